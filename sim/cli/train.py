"""``pointwise train``."""

import dataclasses
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from pointwise.hw.contract.errors import PointwiseError
from pointwise.sim.build import build_root

from .options import MOST_SEED, Threads


def command(
    model: Annotated[
        str,
        typer.Option(help="micro, on 8×8 digits; resnet20 or mobilenet_v1_quarter, on 28×28 handwriting."),
    ] = "micro",
    out: Annotated[Path | None, typer.Option(help="Checkpoint to write (.safetensors or .pth).")] = None,
    epochs: Annotated[
        int | None, typer.Option(help="Passes over the training set, instead of the recipe's.")
    ] = None,
    seed: Annotated[
        int | None, typer.Option(min=0, max=MOST_SEED, help="Seed, instead of the recipe's.")
    ] = None,
    threads: Threads = 1,
) -> None:
    """Train a network on handwritten digits and write a checkpoint.

    The same seed gives the same checkpoint on the same machine. The handwriting is what make real installs.
    """
    from pointwise.model.fitting import TrainingRecipe
    from pointwise.model.train import train_digits
    from pointwise.model.train_pictures import TRAINABLE, train_pictures

    changes = {name: value for name, value in (("epochs", epochs), ("seed", seed)) if value is not None}
    console = Console(markup=False)
    if model not in ("micro", *TRAINABLE):
        raise PointwiseError(f"there is no recipe for {model}; choose micro or {' or '.join(TRAINABLE)}")
    path = out or build_root() / f"{model}_{'digits' if model == 'micro' else 'handwriting'}.safetensors"
    path.parent.mkdir(parents=True, exist_ok=True)
    if model == "micro":
        recipe = dataclasses.replace(TrainingRecipe(), **changes)
        notes = train_digits(path, recipe=recipe, threads=threads, console=console).notes
    else:
        recipe = dataclasses.replace(TRAINABLE[model].recipe, **changes)
        notes = train_pictures(model, path, recipe=recipe, threads=threads, console=console)
    table = Table(title=f"{path}", show_header=False, title_justify="left")
    for key, value in notes.items():
        table.add_row(key.replace("_", " "), f"{value:.2f}" if isinstance(value, float) else str(value))
    console.print(table)
