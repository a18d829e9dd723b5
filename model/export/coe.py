"""``.coe`` of Vivado, for the Block Memory Generator: radix, then the words with commas between them."""

from .memory import Memory, rows


def encode(memory: Memory) -> bytes:
    """The text."""
    head = b"memory_initialization_radix=16;\nmemory_initialization_vector=\n"
    return head + rows(memory.hexadecimal(), ",\n").removesuffix(b",\n") + b";\n"
