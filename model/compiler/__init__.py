"""The compiler: from an integer network to a memory image and its manifest, for one core."""

from .blocks import pack_input, read_output
from .compile import Compiled, compile_network, write
from .memory_map import memory_map

__all__ = ["Compiled", "compile_network", "memory_map", "pack_input", "read_output", "write"]
