"""``pointwise quantise``."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress

import pointwise as pw
from pointwise.sim.build import build_root

from . import options, tell


def command(
    model: options.Model = None,
    checkpoint: options.Checkpoint = None,
    heads: options.Heads = None,
    images: Annotated[
        Path | None, options.images("Training images; digits or made-up ones unless given.")
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
    """Quantise a checkpoint to integers and write them as one file.

    ``pointwise compile --network FILE`` makes a memory image of it; no floating-point weight is needed any
    more.
    """
    from pointwise.model.quantise import Recipe, load_recipe
    from pointwise.model.quantise.io import check_path
    from pointwise.sim.pictures import noted, preparation
    from pointwise.sim.workload import load_weights, of_digits, usual_calibration

    console = Console(markup=False)
    if out is not None:
        check_path(out)  # now, and not when all is computed
    how = load_recipe(recipe) if recipe else Recipe()
    with Progress(console=console, transient=True) as progress:
        name, weights = load_weights(model, checkpoint, heads)
        path = out or build_root() / f"{name}.safetensors"
        path.parent.mkdir(parents=True, exist_ok=True)  # now too
        prepared = None
        if images is None:
            pixels, unreadable = usual_calibration(weights.config), ()
            origin = "digits" if of_digits(weights.config) else "made-up images: give your own with --images"
        else:
            from pointwise.model.images.find import find_images
            from pointwise.model.images.sample import sample

            prepared = preparation(preprocess, weights)
            reading = options.bar(progress, "reading images")
            pixels, unreadable = sample(find_images(images), prepared.how, calibration, progress=reading)
            origin = f"images of {images}"
        source = pw.load(weights, name=name)
        shown = options.bar(progress, "calibration")
        network = pw.quantise(pw.calibrate(source, pixels, recipe=how, progress=shown))
    pw.save(network if prepared is None else noted(network, prepared, weights.class_names), path)
    tell.unreadable(console, unreadable)
    console.print(f"calibrated on {len(pixels)} {origin}", soft_wrap=True)
    tell.preparation(console, prepared)
    console.print(
        f"{path}: {name}, {len(network)} operators, {network.macs:,} multiply-accumulates",
        soft_wrap=True,
    )
