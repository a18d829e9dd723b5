"""``pointwise blocks``."""

import enum
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from pointwise.hw.contract.errors import PointwiseError
from pointwise.sim.build import build_root

from . import options, tell

if TYPE_CHECKING:
    from pointwise.sim.board.session import Program

SHOWN = 3
"""Classes that are shown of a result."""


class Action(enum.StrEnum):
    """What to do with blocks."""

    make = "make"
    run = "run"
    read = "read"


def command(
    action: Annotated[
        Action,
        typer.Argument(
            help="make: an input block for each image; run: output blocks of input blocks, without hardware; "
            "read: the results in output blocks."
        ),
    ],
    compiled: Annotated[
        Path, typer.Argument(metavar="FOLDER", help="What pointwise compile wrote.", show_default=False)
    ],
    files: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="FILE",
            help="Blocks to run or to read; a file may hold several, one behind the other.",
            show_default=False,
        ),
    ] = None,
    images: Annotated[Path | None, options.images("Images to make blocks of.")] = None,
    count: Annotated[int | None, options.count("How many of them, of all classes; all unless given.")] = None,
    preprocess: options.Preprocess = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder for the blocks; of read, a file for the results, as JSON.")
    ] = None,
) -> None:
    """Make input blocks of images for a compiled network, and read what a core wrote.

    A block is what the core reads at INPUT_BASE or writes at OUTPUT_BASE. What run writes is what a core
    writes, bit for bit, where its program writes anything.
    """
    from pointwise.sim.board.session import read_program

    console = Console(markup=False)
    if (action is Action.make) == bool(files):
        wanted = "images, with --images" if action is Action.make else "files with blocks"
        raise PointwiseError(f"pointwise blocks {action} wants {wanted}, and no others")
    if action is not Action.make:
        given = {"--images": images, "--count": count, "--preprocess": preprocess}
        if odd := [option for option, value in given.items() if value is not None]:
            raise PointwiseError(f"{odd[0]} goes with pointwise blocks make; leave it out")
    program = read_program(compiled)
    folder = out or build_root() / f"blocks-{program.name}"
    if action is Action.make:
        _make(program, images, count, preprocess, folder, console)
    elif action is Action.run:
        from pointwise.sim.blocks import emulate

        with Progress(console=console, transient=True) as progress:
            paths = emulate(program, files or [], folder, options.bar(progress, "files"))
        for path in paths:
            console.print(str(path), soft_wrap=True)
    else:
        _read(program, files or [], out, console)


def _make(
    program: "Program",
    images: Path | None,
    count: int | None,
    preprocess: str | None,
    folder: Path,
    console: Console,
) -> None:
    from pointwise.sim.blocks import make
    from pointwise.sim.pictures import preparation, read_pictures

    if images is None:
        raise PointwiseError("of which images? Give a folder or a list with --images")
    prepared = preparation(preprocess, info=program.manifest["info"])
    with console.status("blocks"):
        pictures = read_pictures(images, prepared.preprocessing, count)
        paths = make(program, pictures, prepared, folder)
    tell.preparation(console, prepared)
    tell.unreadable(console, pictures.unreadable)
    console.print(
        f"{len(paths) - 1} input blocks of {program.input_bytes:,} bytes, listed in {paths[-1]}",
        soft_wrap=True,
    )


def _read(program: "Program", files: list[Path], out: Path | None, console: Console) -> None:
    from pointwise.hw.contract.files import write_file
    from pointwise.sim.blocks import as_dict, read
    from pointwise.sim.pictures import class_names

    names = class_names(program.manifest["info"])
    results = read(program, files)
    table = options.new_table(program.name, ("block", "left"), ("classes, the likeliest first", "left"))
    for result in results:
        classes = (
            f"{names[index] if names else index} ({result.logits[index]:.2f})" for index in result.best(SHOWN)
        )
        table.add_row(result.name, ", ".join(classes))
    console.print(table)
    if out is not None:
        write_file(out, json.dumps(as_dict(program, results), indent=1) + "\n")
        console.print(str(out), soft_wrap=True)
