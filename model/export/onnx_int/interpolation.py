"""Reciprocal and reciprocal square root: what ``model.integer.interpolation`` is in ONNX."""

import numpy as np

from pointwise.hw.contract.tables import (
    DELTA_BITS,
    RECIPROCAL_SEGMENTS,
    RSQRT_SEGMENTS,
    VALUE_BITS,
    reciprocal_table,
    rsqrt_table,
)
from pointwise.model.integer.interpolation import (
    MANTISSA_BITS,
    RECIPROCAL_INPUT_BITS,
    RSQRT_INPUT_BITS,
)

from .graph import IntegerGraph
from .rounding import round_shift, shift_left, shift_right


def reciprocal(graph: IntegerGraph, value: str) -> tuple[str, str]:
    """1/value ≈ mult · 2^−(16 + leading), both int64.

    Args:
        value: int64, 1..2^20 − 1, (…, 1).
    """
    leading = _leading_bit(graph, value, RECIPROCAL_INPUT_BITS)
    segment, delta = _segment(graph, value, leading, RECIPROCAL_SEGMENTS)
    return _interpolate(graph, reciprocal_table(), segment, delta), leading


def reciprocal_sqrt(graph: IntegerGraph, value: str) -> tuple[str, str]:
    """1/√value ≈ mult · 2^−(16 + half), both int64.

    Args:
        value: int64, 1..2^44 − 1, (…, 1).
    """
    leading = _leading_bit(graph, value, RSQRT_INPUT_BITS)
    segment, delta = _segment(graph, value, leading, RSQRT_SEGMENTS)
    half = shift_right(graph, leading, graph.numbers(1))
    odd = graph.sub(leading, graph.mul(half, 2))
    index = graph.add(graph.mul(odd, RSQRT_SEGMENTS), segment)
    return _interpolate(graph, rsqrt_table(), index, delta), half


def _leading_bit(graph: IntegerGraph, value: str, bits: int) -> str:
    """Position of the highest set bit: how many powers of two from 2 on are not above the value."""
    powers = graph.numbers([1 << bit for bit in range(1, bits)])
    reached = graph.cast(graph.do("GreaterOrEqual", value, powers), "int64")
    return graph.do("ReduceSum", reached, graph.numbers([-1]), keepdims=1)


def _segment(graph: IntegerGraph, value: str, leading: str, segments: int) -> tuple[str, str]:
    """The segment of the mantissa and the offset in it: the bits behind the leading one, filled or cut."""
    bits = (segments - 1).bit_length() + DELTA_BITS
    left = graph.clip(graph.sub(bits, leading), 0, None)
    right = graph.clip(graph.sub(leading, bits), 0, None)
    mantissa = graph.sub(shift_right(graph, shift_left(graph, value, left), right), 1 << bits)
    segment = shift_right(graph, mantissa, graph.numbers(DELTA_BITS))
    return segment, graph.sub(mantissa, graph.mul(segment, 1 << DELTA_BITS))


def _interpolate(graph: IntegerGraph, table: tuple[tuple[int, int], ...], index: str, delta: str) -> str:
    values, drops = (graph.numbers(column) for column in np.asarray(table, np.int64).T)
    drop = graph.mul(graph.do("Gather", drops, index), delta)
    value = graph.sub(graph.do("Gather", values, index), round_shift(graph, drop, DELTA_BITS))
    halved = shift_right(graph, graph.add(value, 1), graph.numbers(VALUE_BITS - MANTISSA_BITS))
    return graph.clip(halved, None, (1 << MANTISSA_BITS) - 1)
