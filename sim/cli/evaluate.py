"""``pointwise evaluate``."""

from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from . import options


def command(
    model: options.Model = "micro",
    checkpoint: options.Checkpoint = None,
    images: Annotated[
        int | None, typer.Option(help="Images; all 360 held-out digits, or 4 made-up ones.")
    ] = None,
) -> None:
    """Compare the float network with the integer model: accuracy, agreement and noise of the logits."""
    from model.evaluate import evaluate
    from sim.workload import load_workload

    console = Console()
    count = images if images is not None else 360 if model == "micro" else 4
    with Progress(console=console, transient=True) as progress:
        calibration = progress.add_task("calibration", total=None)

        def calibrated(done: int, total: int) -> None:
            progress.update(calibration, completed=done, total=total)

        workload = load_workload(model, checkpoint, count, calibrated)
        evaluation = progress.add_task("images", total=count)

        def evaluated(done: int, total: int) -> None:
            progress.update(evaluation, completed=done, total=total)

        result = evaluate(
            workload.network,
            workload.checkpoint.state,
            workload.checkpoint.config,
            workload.images,
            workload.labels,
            evaluated,
        )
    table = Table(title=f"{model}, {result.images} images", show_header=False, title_justify="left")
    table.add_column()
    table.add_column(justify="right")
    if workload.labels is not None:
        table.add_row("top-1, float32", f"{result.top1_float:.2f} %")
        table.add_row("top-1, integer model", f"{result.top1_integer:.2f} %")
    table.add_row("same class", f"{result.agreement:.2f} %")
    table.add_row("logits, signal to quantisation noise", f"{result.sqnr_db:.1f} dB")
    console.print(table)
