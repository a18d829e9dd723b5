"""The command ``pointwise``: one module here for each subcommand, imported only when it is asked for."""

from .entry import main

__all__ = ["main"]
