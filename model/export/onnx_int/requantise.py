"""From accumulators to activations: what ``model.integer.requantise`` is in ONNX."""

from typing import Any

import numpy as np

from .graph import IntegerGraph, Value
from .rounding import round_shift, saturate


def requantise(graph: IntegerGraph, acc: str, op: Any, limits: tuple[int, int], more: Any = 0) -> str:
    """clamp(round((acc + bias) · mult / 2^shift)), int64.

    Args:
        acc: int64. op: an operator with bias, mult and shift. more: is added to the bias, (N,).
    """
    bias = np.asarray(op.bias, np.int64) + more
    whole = graph.mul(graph.add(acc, bias), np.asarray(op.mult, np.int64))
    return saturate(graph, round_shift(graph, whole, np.asarray(op.shift, np.int64)), limits)


def look_up(graph: IntegerGraph, index: Value, table: np.ndarray) -> str:
    """Activation function by table, int64: an int8 below 0 counts from the end, as its byte does."""
    return graph.do("Gather", graph.numbers(table), graph.wide(index))


def add_scaled(
    graph: IntegerGraph, old: Value, new: Value, factor: int, shift: int, limits: tuple[int, int]
) -> str:
    """clamp(round((new + factor · old) / 2^shift)), int64."""
    total = graph.add(graph.wide(new), graph.mul(graph.wide(old), factor))
    return saturate(graph, round_shift(graph, total, shift) if shift else total, limits)


def add_residual(graph: IntegerGraph, old: Value, new: Value, limits: tuple[int, int]) -> str:
    """Saturating sum of the residual stream and a result, int64."""
    return saturate(graph, graph.add(graph.wide(old), graph.wide(new)), limits)
