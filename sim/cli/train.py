"""``pointwise train``."""

import dataclasses
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from pointwise.sim.build import build_root

from .options import MOST_SEED, Threads


def command(
    out: Annotated[Path | None, typer.Option(help="Checkpoint to write (.safetensors or .pth).")] = None,
    epochs: Annotated[
        int | None, typer.Option(help="Passes over the training set, instead of the recipe's.")
    ] = None,
    seed: Annotated[
        int | None, typer.Option(min=0, max=MOST_SEED, help="Seed, instead of the recipe's.")
    ] = None,
    threads: Threads = 1,
) -> None:
    """Train a network on the bundled digits and write a checkpoint.

    The same seed gives the same checkpoint on the same machine.
    """
    from pointwise.model.train import TrainingRecipe, train_digits

    changes = {name: value for name, value in (("epochs", epochs), ("seed", seed)) if value is not None}
    console = Console(markup=False)
    path = out or build_root() / "micro_digits.safetensors"
    path.parent.mkdir(parents=True, exist_ok=True)
    checkpoint = train_digits(
        path, recipe=dataclasses.replace(TrainingRecipe(), **changes), threads=threads, console=console
    )
    table = Table(title=f"{path}", show_header=False, title_justify="left")
    for key, value in checkpoint.notes.items():
        table.add_row(key.replace("_", " "), f"{value:.2f}" if isinstance(value, float) else str(value))
    console.print(table)
