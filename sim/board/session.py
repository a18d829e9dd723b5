"""What the board commands read from files and show: a compiled network, inputs, logits and counters."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from pointwise.hw.contract.config import CoreConfig
from pointwise.hw.contract.errors import PointwiseError
from pointwise.hw.contract.form import FormError, read_bytes, read_json
from pointwise.hw.contract.image import check
from pointwise.model.compiler import blocks
from pointwise.model.compiler.manifest_check import check_image, check_manifest
from pointwise.sim.system.run import ImageRun

MOST_BYTES = (1 << 32) - 1
"""Of an image: its offsets have 32 bits."""
MOST_CLASSES = 5
"""Classes that are shown, the likeliest first."""


@dataclass(frozen=True)
class Program:
    """A folder of ``pointwise compile``.

    Attributes:
        name: of the network. image: what is loaded. manifest: what it holds. folder: where it lies.
        input_bytes, output_bytes: of the blocks of input and output.
    """

    name: str
    image: bytes
    manifest: dict[str, Any]
    folder: Path
    input_bytes: int
    output_bytes: int

    def logits(self, output: bytes) -> np.ndarray:
        """The network's result: the integers of an output block's first tensor."""
        return next(iter(blocks.read_output(self.manifest, output).values()))


def read_program(folder: Path, core: CoreConfig | None = None) -> Program:
    """Read ``image.bin`` and ``manifest.json``.

    Args:
        core: that of a board; any unless given.

    Raises:
        PointwiseError: they are not there, damaged, or not for this core.
    """
    try:
        image = read_bytes(folder / "image.bin", MOST_BYTES)
    except FormError as error:
        raise PointwiseError(f"{folder}/image.bin {error}; compile the network again") from error
    except OSError as error:
        raise _unreadable(error) from error
    try:
        manifest = read_json(folder / "manifest.json")
        found = check_manifest(manifest)
        compiled_for = CoreConfig.from_dict(manifest["config"])
    except OSError as error:
        raise _unreadable(error) from error
    except FormError as error:
        raise _damaged(folder, error) from error
    if core is not None and compiled_for != core:
        raise PointwiseError(
            f"{found.network} in {folder} was compiled for another core than the one on the board; compile "
            "it again with --config and pointwise_core.json of the bitstream's folder gateware"
        )
    try:
        check(image, compiled_for)
    except PointwiseError as error:
        raise PointwiseError(f"{folder}/image.bin: {error}") from error
    try:
        check_image(found, image)
    except FormError as error:
        raise _damaged(folder, error) from error
    return Program(found.network, image, manifest, folder, found.input.bytes, found.output.bytes)


def _unreadable(error: OSError) -> PointwiseError:
    return PointwiseError(
        f"{error.filename} cannot be read ({error.strerror}); name a folder that pointwise compile wrote"
    )


def _damaged(folder: Path, error: Exception) -> PointwiseError:
    return PointwiseError(f"{folder}/manifest.json is damaged (it {error}); compile the network again")


def read_inputs(program: Program, files: Sequence[Path] | None) -> Iterator[tuple[str, bytes]]:
    """Name and bytes of each input block; raises PointwiseError for one of the wrong size."""
    wanted = program.input_bytes
    for file in files or [program.folder / "input.bin"]:
        try:
            block = file.read_bytes()
        except OSError as error:
            raise PointwiseError(
                f"the input {file} is not readable ({error.strerror}); give a block of {wanted} bytes"
            ) from error
        if len(block) != wanted:
            raise PointwiseError(
                f"the input {file} has {len(block)} bytes, but {program.name} takes blocks of {wanted}; make "
                "it with pointwise blocks"
            )
        yield file.name, block


def show(
    name: str, program: Program, outcome: ImageRun, output: bytes, clock_hz: int, console: Console
) -> None:
    """Print the likeliest classes and what the run took."""
    logits = program.logits(output).reshape(-1)
    table = Table(title=f"{program.name}, {name}", title_justify="left")
    table.add_column("class", justify="right")
    table.add_column("logit, integer", justify="right")
    for index in np.argsort(-logits, kind="stable")[:MOST_CLASSES]:
        table.add_row(str(index), f"{logits[index]:,}")
    console.print(table)
    console.print(
        f"{outcome.cycles:,} cycles, {outcome.cycles / clock_hz * 1e3:.3f} ms at {clock_hz / 1e6:g} MHz; "
        f"{outcome.check_cycles:,} cycles for the check of the image",
        soft_wrap=True,
    )
