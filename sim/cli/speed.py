"""``pointwise speed``."""

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from . import options

USUAL = ("deit_tiny", "deit_base", "resnet50")
"""Networks that are timed unless others are named."""


def command(
    model: Annotated[
        list[str] | None,
        typer.Option(help=f"A network by name; again for more. {', '.join(USUAL)} unless given."),
    ] = None,
    batch: Annotated[
        list[int] | None, typer.Option(min=1, help="Images at a time; again for more. 1 to 32 unless given.")
    ] = None,
    repeats: Annotated[
        int, typer.Option(min=1, help="Times that each is measured; the shortest counts.")
    ] = 3,
    out: Annotated[Path | None, typer.Option(help="JSON file to write.")] = None,
) -> None:
    """Time the integer model beside the same network in float32, on this machine and in one run.

    Made-up weights and images; the integers are made in the quickest way, which changes nothing of how long
    they take. OMP_NUM_THREADS sets the threads of both.
    """
    import torch

    from pointwise.model.evaluate.speed import BATCHES, speeds
    from pointwise.sim.by_name import quickly_quantised
    from pointwise.sim.reporting.speed import save, table

    console, rows = Console(markup=False), []
    batches = batch or BATCHES
    for name in model or USUAL:
        console.print(f"{name}: an image, in seconds of float32 and of integers")
        for row in speeds(*quickly_quantised(name, max(batches)), batches, repeats):
            rows.append(row)
            console.print(f"{row.batch:6} at a time: {row.float_s:.4f}  {row.integer_s:.4f}  {row.ratio:.2f}")
            if out is not None:
                save(out, " ".join(["pointwise", *sys.argv[1:]]), torch.get_num_threads(), rows)
    console.print(options.filled_table(*table(rows)))
    if out is not None:
        console.print(str(out), soft_wrap=True)
