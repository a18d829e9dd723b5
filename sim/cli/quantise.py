"""``pointwise quantise``."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress

import pointwise as pw
from pointwise.hw.contract.errors import PointwiseError
from pointwise.sim.build import build_root

from . import options, tell


def command(
    model: options.Model = None,
    checkpoint: options.Checkpoint = None,
    heads: options.Heads = None,
    torch: Annotated[
        str | None,
        typer.Option(
            help="Any module of PyTorch instead: my_net.py:build, a function that returns it and an example "
            "of its input.",
            show_default=False,
        ),
    ] = None,
    images: Annotated[
        Path | None, options.images("Training images; digits or made-up ones unless given.")
    ] = None,
    inputs: Annotated[
        Path | None,
        typer.Option(help="Inputs of --torch instead: a file of NumPy (.npy) with the axis of inputs first."),
    ] = None,
    calibration: Annotated[
        int, typer.Option(min=1, help="How many of them to calibrate on, at random.")
    ] = 100,
    preprocess: options.Preprocess = None,
    recipe: Annotated[
        Path | None,
        typer.Option(help="TOML file that says how each layer is quantised; the best we know unless given."),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="File to write (.safetensors).")] = None,
) -> None:
    """Quantise a checkpoint, or a module of PyTorch, to integers and write them as one file.

    ``pointwise compile --network FILE`` makes a memory image of it; no floating-point weight is needed any
    more.
    """
    from pointwise.model.quantise import Recipe, load_recipe
    from pointwise.model.quantise.io import check_path
    from pointwise.sim.pictures import noted
    from pointwise.sim.subjects import of_checkpoint, of_module

    console = Console(markup=False)
    if torch is not None and (model, checkpoint, heads) != (None, None, None):
        raise PointwiseError(
            "--torch names a network with its weights; leave out --model, --checkpoint and --heads"
        )
    if inputs is not None and (torch is None or images is not None):
        raise PointwiseError("--inputs goes with --torch, and in place of --images; leave one of them out")
    if out is not None:
        check_path(out)  # now, and not when all is computed
    how = load_recipe(recipe) if recipe else Recipe()
    with Progress(console=console, transient=True) as progress:
        reading = options.bar(progress, "reading images")
        if torch is None:
            subject = of_checkpoint(model, checkpoint, heads, images, calibration, preprocess, reading)
        else:
            subject = of_module(torch, inputs, images, calibration, preprocess, reading)
        name, prepared = subject.source.name, subject.prepared
        path = out or build_root() / f"{name}.safetensors"
        path.parent.mkdir(parents=True, exist_ok=True)  # now too
        shown = options.bar(progress, "calibration")
        network = pw.quantise(pw.calibrate(subject.source, subject.inputs, recipe=how, progress=shown))
    pw.save(network if prepared is None else noted(network, prepared, subject.class_names), path)
    tell.unreadable(console, subject.unreadable)
    console.print(f"calibrated on {len(subject.inputs)} {subject.origin}", soft_wrap=True)
    tell.preparation(console, prepared)
    console.print(
        f"{path}: {name}, {len(network)} operators, {network.macs:,} multiply-accumulates",
        soft_wrap=True,
    )
