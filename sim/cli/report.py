"""``pointwise report``."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from pointwise.hw.contract.errors import PointwiseError

from . import options

if TYPE_CHECKING:
    import numpy as np

    from pointwise.model.checkpoints import Checkpoint


def command(
    path: Annotated[
        Path,
        typer.Argument(
            metavar="FOLDER|FILE",
            help="What pointwise sim or report wrote, or a quantised network (.safetensors).",
            show_default=False,
        ),
    ],
    model: options.Model = None,
    checkpoint: options.Checkpoint = None,
    heads: options.Heads = None,
    images: Annotated[int, typer.Option(help="Images to compare on.")] = 8,
    files: Annotated[
        Path | None,
        typer.Option(help="Take them from a folder or a list; digits or made-up ones unless given."),
    ] = None,
    preprocess: options.Preprocess = None,
    alone: Annotated[int, typer.Option(help="Images on which each layer runs alone; 0 for none.")] = 2,
    out: options.Out = None,
) -> None:
    """Report on a quantised network, layer by layer; or make the pages of a folder anew from its JSON files.

    For a quantised network, give the float one that it was made of with --model or --checkpoint.
    """
    console = Console(markup=False)
    if path.suffix == ".safetensors":
        from pointwise.sim.workload import images_in_files, load_weights

        name, weights = load_weights(model, checkpoint, heads)
        given = None
        if files is not None:
            pixels, labels, unreadable = images_in_files(files, weights, images, preprocess, labelled=False)
            given = pixels, labels
            options.tell_unreadable(console, unreadable)
        paths = _measure(console, path, (name, weights), images, given, alone, out)
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
    path: Path,
    source: "tuple[str, Checkpoint]",
    images: int,
    given: "tuple[np.ndarray, np.ndarray | None] | None",
    alone: int,
    out: Path | None,
) -> list[Path]:
    from pointwise.model.measure.layers import measure
    from pointwise.model.measure.mixed import MixedNetwork
    from pointwise.sim.build import build_root
    from pointwise.sim.locks import hold
    from pointwise.sim.reporting import quantisation
    from pointwise.sim.workload import with_images

    name, weights = source
    folder = out or build_root() / f"report-{name}"
    hold(folder)
    workload = with_images(name, weights, images, quantised=path, given=given)
    count = len(workload.images)
    if not 0 <= alone <= count:
        raise PointwiseError(
            f"Each layer is to run alone on {alone} images, but there are {count}; give --alone 0 to {count}."
        )
    if count < images:
        console.print(f"{count} images were found, where {images} were asked for", style="yellow")
    mixed = MixedNetwork(workload.network, weights.state, weights.config)
    with Progress(console=console, transient=True) as progress:
        found = measure(mixed, workload.images, alone, options.bar(progress, "layers"))
    report = quantisation.as_dict(workload.network, found, " ".join(["pointwise", *sys.argv[1:]]))
    console.print(
        f"{name}, {count} images: logits {found.sqnr_db:.1f} dB, same class {found.agreement:.1f} %"
    )
    options.tell_few(console, count)
    return quantisation.write(report, folder)
