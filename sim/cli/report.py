"""``pointwise report``."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from pointwise.hw.contract.errors import PointwiseError

from . import options, tell
from .weights import Weights, with_weights

if TYPE_CHECKING:
    from pointwise.model.checkpoints import Checkpoint
    from pointwise.sim.workload import Workload


@with_weights
def command(
    path: Annotated[
        Path,
        typer.Argument(
            metavar="FOLDER|FILE",
            help="What pointwise sim or report wrote, or a quantised network (.safetensors).",
            show_default=False,
        ),
    ],
    weights: Weights,
    images: Annotated[
        Path | None, options.images("Images to compare on; digits or made-up ones unless given.")
    ] = None,
    count: Annotated[int, typer.Option(min=1, help="How many of them.")] = 8,
    preprocess: options.Preprocess = None,
    alone: Annotated[int, typer.Option(help="Images on which each layer runs alone; 0 for none.")] = 2,
    out: options.Out = None,
) -> None:
    """Report on a quantised network, layer by layer; or make the pages of a folder anew from its JSON files.

    For a quantised network, give the float one that it was made of with --model or --checkpoint.
    """
    console = Console(markup=False)
    if path.suffix == ".safetensors":
        from pointwise.sim.integers import quantised_of
        from pointwise.sim.pictures import preparation, read_pictures
        from pointwise.sim.workload import load_weights, with_images

        name, loaded = load_weights(*weights)
        integers = quantised_of(path, name, loaded)
        assert integers is not None  # there is a path
        given = None
        if images is not None:
            prepared = preparation(preprocess, loaded, integers.info)
            pictures = read_pictures(images, prepared.preprocessing, count)
            given = pictures.pixels, None
            tell.preparation(console, prepared)
            tell.unreadable(console, pictures.unreadable)
        workload = with_images(name, loaded, count, quantised=integers, given=given)
        paths = _measure(console, workload, loaded, count, alone, out)
    else:
        paths = _renew(path)
    for written in paths:
        console.print(str(written), soft_wrap=True)


def _renew(folder: Path) -> list[Path]:
    from pointwise.sim.locks import hold
    from pointwise.sim.reporting import folder as run
    from pointwise.sim.reporting import quantisation

    if not folder.exists():
        raise PointwiseError(f"there is no {folder}; name the folder of a run, or a quantised network")
    if not folder.is_dir():
        made = {run.PAGE, run.PICTURE, run.REPORT, run.TIMELINE, quantisation.PAGE, quantisation.REPORT}
        if folder.suffix not in (".html", ".json", ".png"):
            from pointwise.model.quantise import load_network

            load_network(folder)  # which says what it is, and what makes integers of it
        what = "a file of a report" if folder.name in made else "no quantised network (.safetensors)"
        raise PointwiseError(
            f"{folder} is {what}; name its folder, {folder.parent}, to make the pages in it anew, or a "
            "quantised network"
        )
    hold(folder)
    paths = quantisation.renew(folder) if (folder / quantisation.REPORT).exists() else []
    # A folder without either is told as one without a run.
    return paths + (run.renew(folder) if not paths or (folder / run.REPORT).exists() else [])


def _measure(
    console: Console,
    workload: "Workload",
    weights: "Checkpoint",
    wanted: int,
    alone: int,
    out: Path | None,
) -> list[Path]:
    from pointwise.model.measure.layers import measure
    from pointwise.model.measure.mixed import MixedNetwork
    from pointwise.sim.build import build_root
    from pointwise.sim.locks import hold
    from pointwise.sim.reporting import quantisation

    name = workload.name
    folder = out or build_root() / f"report-{name}"
    hold(folder)
    count = len(workload.images)
    if not 0 <= alone <= count:
        raise PointwiseError(
            f"Each layer is to run alone on {alone} images, but there are {count}; give --alone 0 to {count}."
        )
    if count < wanted:
        console.print(f"{count} images were found, where {wanted} were asked for", style="yellow")
    mixed = MixedNetwork(workload.network, weights.state, weights.config)
    with Progress(console=console, transient=True) as progress:
        found = measure(mixed, workload.images, alone, options.bar(progress, "layers"))
    report = quantisation.as_dict(workload.network, found, " ".join(["pointwise", *sys.argv[1:]]))
    console.print(
        f"{name}, {count} images: logits {found.sqnr_db:.1f} dB, same class {found.agreement:.1f} %"
    )
    tell.few(console, count)
    return quantisation.write(report, folder)
