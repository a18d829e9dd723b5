"""``pointwise export``."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

import pointwise as pw
from pointwise.hw.contract.config import CoreConfig
from pointwise.hw.contract.errors import PointwiseError
from pointwise.model.export import FORMATS, named
from pointwise.model.export.formats import DEFAULT, Format
from pointwise.sim.build import build_root
from pointwise.sim.locks import hold

from . import options, tell
from .options import core_name, with_core
from .weights import Weights, with_weights

_LIST = ", ".join(FORMATS)


@with_weights
@with_core
def command(
    core: CoreConfig,
    weights: Weights,
    network: Annotated[
        Path | None, typer.Option(help="Integers from pointwise quantise, instead of --model.")
    ] = None,
    format: Annotated[  # the option is called so
        list[str] | None,
        typer.Option(help=f"{_LIST}, or all; several with commas, or the option again."),
    ] = None,
    images: Annotated[
        Path | None,
        options.images("An image to run, the first of these; a digit or a made-up one unless given."),
    ] = None,
    preprocess: options.Preprocess = None,
    word_bits: Annotated[
        int | None,
        typer.Option(help="Word of the memory files; the bus, or one element with --tensors."),
    ] = None,
    tensors: Annotated[
        bool,
        typer.Option("--tensors", help="A memory file for each integer tensor, not for the memory image."),
    ] = False,
    vectors: Annotated[
        bool,
        typer.Option("--vectors", help="Operands and results of each operation for an image, and weights."),
    ] = False,
    out: options.Out = None,
) -> None:
    """Write a quantised network, or its memory image for a core, in the formats of other tools.

    Memory files (hex, binary, mem, coe, mif, c, raw) hold the image that the core runs and, where there is a
    picture at hand, the input block. NumPy, PyTorch and ONNX files hold the network, and know no core.

    With --vectors: for one image what each operation of the core streams, holds and makes, as files for
    $readmemh with an index in JSON, to verify hardware of one's own with; and the weights as torch.qint8.
    """
    if vectors and (format or tensors or word_bits is not None):
        raise PointwiseError("--vectors are files of their own; leave out --format, --tensors, --word-bits")
    asked = [name.strip() for text in format or DEFAULT for name in text.split(",") if name.strip()]
    formats = named(asked)
    memory = vectors or any(form.memory for form in formats)
    needs_memory = ((word_bits is not None, "--word-bits"), (tensors, "--tensors"), (images, "--images"))
    for given, option in needs_memory:
        if given and not memory:
            raise PointwiseError(f"{option} is for memory files, and none was asked for; leave it out")
    console = Console(markup=False)
    if out is not None:
        hold(out)
    with console.status("quantisation"):
        from pointwise.sim.integers import integers_of

        chosen = integers_of(network, *weights, images=images, preprocess=preprocess)
    integers, inputs = chosen.network, chosen.inputs
    kind = f"vectors-{integers.name}" if vectors else f"export-{integers.name}-{core_name(core)}"
    folder = out or build_root() / kind
    if out is None:
        hold(folder)
    with Progress(console=console, transient=True) as progress:
        paths = pw.export(
            integers,
            folder,
            asked,
            core=core,
            inputs=inputs,
            word_bits=word_bits,
            tensors=tensors,
            vectors=vectors,
            progress=options.bar(progress, "files"),
        )
    if not vectors:
        console.print(_table(paths, formats))
    tell.made_up(console, chosen.made_up)
    tell.preparation(console, chosen.prepared)
    if memory and not tensors and not vectors and inputs is None:
        console.print("no input block was written: give an image with --images", soft_wrap=True)
    console.print(f"{len(paths)} files in {folder}", soft_wrap=True)


def _table(paths: Sequence[Path], formats: Sequence[Format]) -> Table:
    """What was written, a line for each format."""
    table = options.new_table(
        None, ("format", "left"), ("what", "left"), ("files", "right"), ("bytes", "right")
    )
    for form in formats:
        files = [path for path in paths if _form_of(path) is form]
        size = sum(path.stat().st_size for path in files)
        table.add_row(form.name, form.about, str(len(files)), f"{size:,}")
    return table


def _form_of(path: Path) -> Format:
    """The format of a file, by its ending: the longest that fits."""
    fitting = (form for form in FORMATS.values() if path.name.endswith(form.suffix))
    return max(fitting, key=lambda form: len(form.suffix))
