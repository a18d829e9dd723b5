"""``compile_network``: a network and a core's configuration in, a memory image and its manifest out."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pointwise.hw.contract.config import CoreConfig
from pointwise.hw.contract.files import write_file
from pointwise.hw.contract.image import check
from pointwise.model.graph import Graph

from . import blocks
from .codegen import generate
from .image import assemble, to_hex
from .legality import check_program
from .manifest import build_manifest
from .plans import Planned
from .program import Line


@dataclass(frozen=True)
class Compiled:
    """A network compiled for a core.

    Attributes:
        config: the core. program: instructions in order, with names. image: the sealed memory image.
        manifest: JSON-able description of everything; see ``manifest.build_manifest``.
    """

    config: CoreConfig
    program: tuple[Line, ...]
    image: bytes
    manifest: dict[str, Any]

    def __repr__(self) -> str:
        core = f"{self.config.rows}×{self.config.cols}"
        return (
            f"Compiled({self.manifest['network']!r} for a core of {core}: {len(self.program)} instructions, "
            f"{len(self.image):,} bytes)"
        )

    def pack_input(self, image: np.ndarray) -> bytes:
        """The input block for an int8 array of shape (tokens, input_channels)."""
        return blocks.pack_input(self.manifest, image)

    def read_output(self, data: bytes) -> dict[str, np.ndarray]:
        """Arrays of an output block by name: the result, and with trace every layer's."""
        return blocks.read_output(self.manifest, data)


def compile_network(
    network: Graph, config: CoreConfig, trace: bool = False, plans: Planned | None = None
) -> Compiled:
    """Compile ``network`` for a core.

    Args:
        trace: store the result of every convolution in the output block, to be compared with
            ``pointwise.model.graph.run``.
        plans: of the network, where it is not to be planned as usual.

    Raises:
        PointwiseError: the network does not fit the core, or is not sound; the sentence says what to do.
    """
    program = generate(network, config, trace, plans)
    check_program(program.lines, config)
    image = assemble(program, config)
    check(image, config)
    manifest = build_manifest(network, config, program, image, trace)
    return Compiled(config, program.lines, image, manifest)


def write(compiled: Compiled, folder: Path) -> dict[str, Path]:
    """Write ``image.bin``, ``image.hex``, ``manifest.json`` and ``config.json``; returns their paths by name.

    Raises:
        PointwiseError: a file cannot be written.
    """
    folder = Path(folder)
    contents = {
        "image.bin": compiled.image,
        "image.hex": to_hex(compiled.image, compiled.config),
        "config.json": compiled.config.to_json().encode(),
        "manifest.json": (json.dumps(compiled.manifest, indent=1) + "\n").encode(),
    }
    for name, data in contents.items():
        write_file(folder / name, data)
    return {name: folder / name for name in contents}
