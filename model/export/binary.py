"""``$readmemb`` of Verilog (IEEE 1800, 21.4): a word on each line, in binary."""

from .memory import Memory, rows


def encode(memory: Memory) -> bytes:
    """The text; its first line is the word at address 0."""
    return rows(memory.binary(), "\n")
