"""Softmax in integers: what ``model.integer.softmax`` is in ONNX."""

import numpy as np

from pointwise.model.integer.softmax import DIVIDE_FRACTION_BITS

from .graph import IntegerGraph
from .interpolation import reciprocal
from .rounding import round_shift_by


def exponentials(graph: IntegerGraph, scores: str, table: np.ndarray) -> str:
    """table[max of the row − score], int64 of uint8 range. scores: int64, (batch, tokens, channels)."""
    most = graph.do("ReduceMax", scores, axes=[-1], keepdims=1)
    return graph.do("Gather", graph.numbers(table), graph.sub(most, scores))


def divide(graph: IntegerGraph, acc: str, weights: str) -> str:
    """acc over the sum of each row's exponentials, in units of 2^−12, int64.

    Args:
        acc: int64, (batch, tokens, N). weights: the exponentials, int64, (batch, tokens, K).
    """
    total = graph.do("ReduceSum", weights, graph.numbers([-1]), keepdims=1)
    mult, leading = reciprocal(graph, graph.clip(total, 1, None))
    shift = graph.add(leading, 16 - DIVIDE_FRACTION_BITS)
    return round_shift_by(graph, graph.mul(acc, mult), shift)
