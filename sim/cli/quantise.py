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
from .weights import Weights, with_weights


@with_weights
def command(
    weights: Weights,
    torch: Annotated[
        str | None,
        typer.Option(
            help="Any module of PyTorch instead: my_net.py:build, a function that returns it and an example "
            "of its input.",
            show_default=False,
        ),
    ] = None,
    onnx: Annotated[
        Path | None,
        typer.Option(help="An ONNX file instead, of real numbers or quantised already.", show_default=False),
    ] = None,
    images: Annotated[
        Path | None, options.images("Training images; digits or made-up ones unless given.")
    ] = None,
    inputs: Annotated[
        Path | None,
        typer.Option(
            help="Inputs of --torch or --onnx instead: a file of NumPy (.npy), the axis of inputs first."
        ),
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
    """Quantise a checkpoint, a module of PyTorch or an ONNX file to integers and write them as one file.

    ``pointwise compile --network FILE`` makes a memory image of it; no floating-point weight is needed any
    more.
    """
    from pointwise.model.evaluate.weighed import held_out
    from pointwise.model.quantise import Recipe, load_recipe
    from pointwise.model.quantise.io import check_path
    from pointwise.sim.pictures import noted
    from pointwise.sim.subjects import first_input, module_of, of_checkpoint, of_network

    console = Console(markup=False)
    own = torch is not None or onnx is not None
    if (torch is not None) + (onnx is not None) + weights.named > 1:
        raise PointwiseError(
            "--torch and --onnx name a network with its weights; leave out the other, --model, --checkpoint "
            "and --heads"
        )
    if inputs is not None and (not own or images is not None):
        raise PointwiseError(
            "--inputs goes with --torch or --onnx, and in place of --images; leave one of them out"
        )
    if out is not None:
        check_path(out)  # now, and not when all is computed
    chosen = load_recipe(recipe) if recipe else Recipe()
    with Progress(console=console, transient=True) as progress:
        reading = options.bar(progress, "reading images")
        if own:
            example = None if inputs is None else first_input(inputs)
            network = pw.load(onnx, example) if onnx is not None else module_of(str(torch))
            subject = of_network(network, inputs, images, calibration, preprocess, reading)
        else:
            subject = of_checkpoint(
                *weights, images, calibration, preprocess, reading, options.note(progress)
            )
        name, prepared = subject.source.name, subject.prepared
        path = out or build_root() / f"{name}.safetensors"
        path.parent.mkdir(parents=True, exist_ok=True)  # now too
        # What somebody chose, in a recipe or another program, is not weighed against anything.
        seen, others = subject.inputs, subject.inputs[:0]
        if recipe is None and subject.source.fixed is None:
            seen, others = held_out(seen)
        shown = options.bar(progress, "calibration")
        calibrated = pw.calibrate(subject.source, seen, recipe=chosen, progress=shown)
        made = options.bar(progress, "integers")
        found = pw.weigh(calibrated, others, progress=made) if len(others) else None
        integers = found.network if found else pw.quantise(calibrated, progress=made)
    pw.save(integers if prepared is None else noted(integers, prepared, subject.class_names), path)
    tell.unreadable(console, subject.unreadable)
    console.print(f"calibrated on {len(seen)} {subject.origin}", soft_wrap=True)
    if found is not None:
        tell.weighed(console, found, len(others))
    tell.preparation(console, prepared)
    tell.given(console, integers)
    console.print(
        f"{path}: {name}, {len(integers)} operators, {integers.macs:,} multiply-accumulates",
        soft_wrap=True,
    )
