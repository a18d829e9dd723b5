"""Blocks of a compiled network in files: made of pictures, run without hardware, read back."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pointwise.hw.contract.config import CoreConfig
from pointwise.hw.contract.errors import PointwiseError
from pointwise.hw.contract.files import write_file
from pointwise.hw.contract.form import FormError, read_bytes
from pointwise.model.compiler import blocks
from pointwise.model.emulator import Emulator
from pointwise.model.graph import Graph, Quantisation
from pointwise.model.graph.ops import Input
from pointwise.model.quantise import patchify
from pointwise.sim.board.session import MOST_BYTES, Program
from pointwise.sim.pictures import Pictures, Preparation, class_names, geometry

INDEX = "blocks.json"
"""What lies beside the blocks that were made: which picture each is of, and how they were prepared."""
STEM = 60
"""Characters of a picture's name that the name of its block has."""


@dataclass(frozen=True)
class Result:
    """An output block.

    Attributes:
        name: of its file, and which block of it. logits: real numbers, (classes,).
    """

    name: str
    logits: np.ndarray

    def best(self, count: int) -> np.ndarray:
        """The likeliest classes, that one first; of equals the lower number."""
        return np.argsort(-self.logits, kind="stable")[:count]


def input_network(manifest: dict[str, Any]) -> Graph:
    """The input of a compiled network as a network of its own, which is all that ``patchify`` looks at.

    Raises:
        PointwiseError: it takes no images, or the manifest does not fit itself.
    """
    given, entry = geometry(manifest["info"]), manifest["input"]
    tokens, channels = entry["shape"]
    patches, pixels = (given.image_size // given.patch) ** 2, given.patch**2
    fits = channels == pixels * given.in_channels and given.image_size % given.patch == 0
    fits &= len(given.scale) == len(given.offset) == given.in_channels and min(given.scale) > 0
    if not fits or tokens < patches:
        raise PointwiseError(
            f"the manifest of {manifest['network']} says of its images what does not fit its input of "
            f"{tokens} tokens and {channels} channels; compile the network again"
        )
    # The pixels of a colour follow one another in a patch.
    scale, offset = (np.repeat(values, pixels) for values in (given.scale, given.offset))
    quantisation = Quantisation(scale, 0, offset)
    op = Input(
        name=entry["name"],
        inputs=(),
        layer=entry["name"],
        quantisation=quantisation,
        shape=(tokens, channels),
        zero_rows=tokens - patches,
        dtype=entry["dtype"],
    )
    return Graph(manifest["network"], (op,), op.name, {"input": manifest["info"]["input"]})


def make(program: Program, pictures: Pictures, prepared: Preparation, folder: Path) -> list[Path]:
    """Write an input block for each picture, and a list of them.

    Returns:
        The files, the list last.
    """
    network = input_network(program.manifest)
    digits = len(str(len(pictures.names) - 1))
    paths, entries = [], []
    for index, name in enumerate(pictures.names):
        rows = patchify(network, pictures.pixels[index : index + 1])[0]
        path = folder / f"{index:0{digits}}-{Path(name).stem[:STEM]}.bin"
        write_file(path, blocks.pack_input(program.manifest, rows))
        entries.append({"file": path.name, "image": name})
        paths.append(path)
    index_file = folder / INDEX
    about = {
        "network": program.name,
        "bytes": program.input_bytes,
        "preprocessing": prepared.preprocessing.to_dict(),
    }
    write_file(index_file, json.dumps({**about, "blocks": entries}, indent=1) + "\n")
    return [*paths, index_file]


def parts(path: Path, size: int, what: str) -> Iterator[tuple[str, bytes]]:
    """The blocks of a file, which may hold several, with their names.

    Args:
        size: bytes of one. what: they are, for messages.

    Raises:
        PointwiseError: the file cannot be read, or holds no whole number of blocks.
    """
    try:
        data = read_bytes(path, MOST_BYTES)
    except FormError as error:
        raise PointwiseError(f"{path} {error}; give {what} blocks of {size} bytes") from error
    if not data or len(data) % size:
        raise PointwiseError(
            f"{path} has {len(data)} bytes, but {what} blocks of this network have {size}; give whole ones"
        )
    count = len(data) // size
    for index in range(count):
        name = path.name if count == 1 else f"{path.name} [{index}]"
        yield name, data[index * size : (index + 1) * size]


def emulate(
    program: Program, files: Sequence[Path], folder: Path, progress: Callable[[int, int], None]
) -> list[Path]:
    """Run the input blocks of files without hardware, bit for bit, and write the output blocks.

    Returns:
        A file for each of ``files``, with as many blocks, called like it with ``.out.bin`` in place of the
        ending.
    """
    emulator = Emulator(program.image, CoreConfig.from_dict(program.manifest["config"]))
    paths = []
    for done, file in enumerate(files):
        progress(done, len(files))
        outputs = [emulator.run(block) for _, block in parts(file, program.input_bytes, "input")]
        paths.append(folder / f"{file.stem}.out.bin")
        write_file(paths[-1], b"".join(outputs))
    progress(len(files), len(files))
    return paths


def read(program: Program, files: Sequence[Path]) -> list[Result]:
    """The results in output blocks, as real numbers."""
    tensor = program.manifest["output"]["tensors"][0]
    scale, zero = tensor["scale"], tensor["zero_point"]
    return [
        Result(name, scale * (program.logits(block).reshape(-1).astype(np.float64) - zero))
        for file in files
        for name, block in parts(file, program.output_bytes, "output")
    ]


def as_dict(program: Program, results: Sequence[Result]) -> dict[str, Any]:
    """Results for programs, JSON-able."""
    names = class_names(program.manifest["info"])
    return {
        "network": program.name,
        "class_names": None if names is None else list(names),
        "results": [
            {"block": one.name, "class": int(one.best(1)[0]), "logits": one.logits.tolist()}
            for one in results
        ],
    }
