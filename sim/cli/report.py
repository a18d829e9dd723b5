"""``pointwise report``."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from sim.reporting.folder import renew


def command(
    folder: Annotated[Path, typer.Argument(help="What pointwise sim wrote.", show_default=False)],
) -> None:
    """Make the picture and the HTML page of a run anew from its JSON files."""
    console = Console()
    for path in renew(folder):
        console.print(str(path), soft_wrap=True)
