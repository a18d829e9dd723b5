"""The example design runs a network: from two files for $readmemh to the logits of the integer model."""

import json
from pathlib import Path

import numpy as np

from pointwise.hw.contract.config import CoreConfig
from pointwise.hw.contract.image import align
from pointwise.hw.contract.registers import Error
from pointwise.hw.package.constants import PACKAGE
from pointwise.hw.package.files import EXAMPLE, TOP
from pointwise.model.compiler import Compiled, compile_network
from pointwise.model.export import FORMATS
from pointwise.model.export.contents import image_memory, input_memory
from pointwise.model.frontends import DeiTNetwork
from pointwise.model.graph import run
from pointwise.model.networks import DeiTConfig
from pointwise.model.quantise import patchify
from pointwise.model.synthetic import synthetic_checkpoint, synthetic_images
from pointwise.sim.bench import bench
from pointwise.sim.build import build_root, locked

PAGE = 4096
CONFIG = DeiTConfig(image_size=4, patch=2, in_channels=1, dim=8, depth=1, heads=2, mlp_ratio=2, classes=5)


def play(files: dict[str, str], core: CoreConfig, compiled: Compiled, image: bytes, given: bytes) -> dict:
    """What the example shows after a run with ``image`` and the input block ``given`` in its memory."""
    # The names of the files are compiled in: always the same place, or each run would compile anew.
    folder = build_root() / "example"
    folder.mkdir(parents=True, exist_ok=True)
    contents = {
        "IMAGE": image_memory(image, "small", core.axi_data_width),
        "INPUTS": input_memory(given, "small", core.axi_data_width),
    }
    paths = {name: folder / f"{memory.name}.hex" for name, memory in contents.items()}
    input_base = align(len(image), PAGE)
    output_base = input_base + align(len(given), PAGE)
    output_bytes = compiled.manifest["output"]["bytes"]
    notes = folder / "notes.json"
    with locked(folder):
        for name, memory in contents.items():
            paths[name].write_bytes(FORMATS["hex"].encode(memory))
        bench(
            [files[name] for name in (f"{TOP}.v", f"{PACKAGE}.sv", *EXAMPLE)],
            EXAMPLE[-1].removesuffix(".sv"),
            Path(__file__).with_name("bench_example.py"),
            optimise="-O0",
            parameters={
                "IMAGE_BYTES": len(image),
                "INPUT_BASE": input_base,
                "INPUT_BYTES": len(given),
                "OUTPUT_BASE": output_base,
                "OUTPUT_BYTES": output_bytes,
                "MEMORY_BYTES": output_base + align(output_bytes, PAGE),
                **{name: str(path) for name, path in paths.items()},
            },
            config={"cycles": 200_000, "beats": output_bytes // core.bus_bytes, "notes": str(notes)},
        )
        return json.loads(notes.read_text())


def test_the_example_runs_a_network_and_refuses_a_damaged_one(
    files: dict[str, str], core: CoreConfig
) -> None:
    images = synthetic_images(CONFIG, 4, seed=1).numpy()
    network = DeiTNetwork(CONFIG, synthetic_checkpoint(CONFIG).state, "small").quantise(images)
    compiled = compile_network(network, core)
    tokens = patchify(network, images[:1])[0]
    given = compiled.pack_input(tokens)

    seen = play(files, core, compiled, compiled.image, given)
    assert (seen["failed"], seen["code"]) == (0, Error.NONE)
    output = b"".join(beat.to_bytes(core.bus_bytes, "little") for beat in seen["beats"])
    logits = compiled.read_output(output)[network.output]
    assert np.array_equal(logits, run(network, tokens)[network.output])
    assert np.ptp(logits) > 100

    damaged = bytearray(compiled.image)
    damaged[len(damaged) // 2] ^= 1
    seen = play(files, core, compiled, bytes(damaged), given)
    assert (seen["failed"], seen["code"]) == (1, Error.CHECKSUM)
