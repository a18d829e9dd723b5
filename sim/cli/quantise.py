"""``pointwise quantise``."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from sim.build import build_root

from . import options


def command(
    model: options.Model = "micro",
    checkpoint: options.Checkpoint = None,
    out: Annotated[Path | None, typer.Option(help="File to write (.safetensors).")] = None,
) -> None:
    """Quantise a checkpoint to integers and write them as one file.

    ``pointwise compile --network FILE`` makes a memory image of it; no floating-point weight is needed any
    more.
    """
    from model.quantise.io import save_network
    from sim.workload import load_workload

    console = Console()
    with Progress(console=console, transient=True) as progress:
        task = progress.add_task("calibration", total=None)

        def calibrated(done: int, total: int) -> None:
            progress.update(task, completed=done, total=total)

        workload = load_workload(model, checkpoint, 1, calibrated)
    path = out or build_root() / f"{model}.safetensors"
    path.parent.mkdir(parents=True, exist_ok=True)
    save_network(path, workload.network)
    console.print(
        f"{path}: {model}, {len(workload.network.layers)} layers, "
        f"{workload.network.macs:,} multiply-accumulates",
        soft_wrap=True,
    )
