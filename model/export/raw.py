"""Raw bytes, as they lie in memory."""

from .memory import Memory


def encode(memory: Memory) -> bytes:
    """The bytes; words have no meaning here, and nothing is filled up."""
    return memory.data
