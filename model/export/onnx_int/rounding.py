"""Rounding and saturation: what ``model.integer.rounding`` is in ONNX.

BitShift knows unsigned integers alone. Shifted values are made positive first, by a power of two that is a
multiple of what is divided by, and taken back behind.
"""

import numpy as np

from .graph import IntegerGraph

TOP = 62
"""2^62 is added to what is shifted: values of less than 2^61 stay positive, and in 64 bits."""
MOST = 61
"""A shift of more rounds such values to 0, as this one does."""


def shift_right(graph: IntegerGraph, value: str, amount: str) -> str:
    """⌊value / 2^amount⌋ of int64 values that are not negative. amount: int64, 0..63."""
    shifted = graph.do(
        "BitShift", graph.cast(value, "uint64"), graph.cast(amount, "uint64"), direction="RIGHT"
    )
    return graph.cast(shifted, "int64")


def shift_left(graph: IntegerGraph, value: str, amount: str) -> str:
    """value · 2^amount of int64 values that are not negative. amount: int64, 0..63."""
    shifted = graph.do(
        "BitShift", graph.cast(value, "uint64"), graph.cast(amount, "uint64"), direction="LEFT"
    )
    return graph.cast(shifted, "int64")


def round_shift(graph: IntegerGraph, value: str, shift: np.ndarray | int) -> str:
    """⌊value / 2^shift + ½⌋ of int64 values of less than 2^61. shift: 1..61, constant."""
    shift = np.asarray(shift, np.int64)
    above = graph.add(value, (1 << TOP) + (1 << (shift - 1)))
    return graph.sub(shift_right(graph, above, graph.numbers(shift)), np.int64(1) << (TOP - shift))


def round_shift_by(graph: IntegerGraph, value: str, shift: str) -> str:
    """The same by shifts that are computed: int64, 1..63."""
    shift = graph.clip(shift, None, MOST)
    one = graph.numbers(1)
    half = shift_left(graph, one, graph.sub(shift, 1))
    above = graph.add(graph.add(value, half), 1 << TOP)
    return graph.sub(shift_right(graph, above, shift), shift_left(graph, one, graph.sub(TOP, shift)))


def saturate(graph: IntegerGraph, value: str, limits: tuple[int, int]) -> str:
    """``value`` clamped to limits, both included."""
    return graph.clip(value, *limits)
