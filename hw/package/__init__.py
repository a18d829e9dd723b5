"""What is written beside the Verilog of a core for other people's flows."""

from .files import TOP, package

__all__ = ["TOP", "package"]
