"""The compiler: from an integer network to a program, a memory image and a manifest for one configuration of the core."""

from .blocks import pack_input, read_output
from .compile import Compiled, compile_network, write

__all__ = ["Compiled", "compile_network", "pack_input", "read_output", "write"]
