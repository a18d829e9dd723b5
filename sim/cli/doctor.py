"""``pointwise doctor``: what the machine has and what it lacks."""

import typer

from ..doctor import examine, report


def command() -> None:
    """Say which tools are there, which are missing and what to do about it.

    Ends with a non-zero status if anything is missing that is required.
    """
    if not report(examine()):
        raise typer.Exit(1)
