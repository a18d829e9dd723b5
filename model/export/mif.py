"""``.mif`` of Quartus: depth, width, and each word with its address."""

import numpy as np

from .memory import Memory, rows


def encode(memory: Memory) -> bytes:
    """The text."""
    words = memory.hexadecimal()
    addresses = np.arange(len(words), dtype=">u4").tobytes().hex().encode()
    head = (
        f"DEPTH = {len(words)};\nWIDTH = {memory.word_bits};\n"
        "ADDRESS_RADIX = HEX;\nDATA_RADIX = HEX;\nCONTENT\nBEGIN\n"
    )
    columns = np.frombuffer(addresses, np.uint8).reshape(len(words), -1)
    return head.encode() + rows(columns, " : ", words, ";\n") + b"END;\n"
