"""``.mem`` of Vivado, for XPM memories and ``updatemem``: hexadecimal words behind the address of the first.

XPM counts addresses in words and ``updatemem`` in bytes. Only address 0 is written, where the two agree.
"""

from .memory import Memory, rows


def encode(memory: Memory) -> bytes:
    """The text."""
    return b"@00000000\n" + rows(memory.hexadecimal(), "\n")
