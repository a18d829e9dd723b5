"""The table of what training aware of quantisation gave."""

import statistics
from pathlib import Path
from typing import Any

from rich.table import Table


def results_table(path: Path, results: dict[int, dict[str, Any]], best: int) -> Table:
    """Accuracies before and after, of the best seed and over all of them.

    Args:
        path: of the integers. results: by seed, as ``SeedTraining`` gives them. best: of them.
    """
    chosen = results[best]
    table = Table(title=f"{path}", show_header=False, title_justify="left")
    table.add_column()
    table.add_column(justify="right")
    table.add_row("held-out images", str(chosen["images"]))
    table.add_row("top-1, float32 before", f"{chosen['float']:.2f} %")
    table.add_row("top-1, integers before training", f"{chosen['before']:.2f} %")
    table.add_row("top-1, integers after training", f"{chosen['after']:.2f} %")
    table.add_row("weights that are 0", f"{100 * chosen['zeros']:.1f} %")
    if len(results) > 1:
        after = [result["after"] for result in results.values()]
        table.add_section()
        table.add_row("seeds", f"{len(after)}, the best is {best}")
        table.add_row(
            "top-1 after training, mean", f"{statistics.mean(after):.2f} ± {statistics.stdev(after):.2f} %"
        )
        table.add_row("least and most", f"{min(after):.2f} to {max(after):.2f} %")
    return table
