"""LayerNorm in integers: what ``model.integer.layernorm`` is in ONNX."""

import numpy as np

from pointwise.model.integer.layernorm import CENTRE_FRACTION_BITS, MEAN_FRACTION_BITS, NormConstants
from pointwise.model.integer.rounding import INT8

from .graph import IntegerGraph
from .interpolation import reciprocal_sqrt
from .rounding import round_shift, round_shift_by, saturate


def normalised(
    graph: IntegerGraph, residual: str, constants: NormConstants, channel_shift: np.ndarray | None
) -> str:
    """Each token brought to mean 0 and deviation 1 in steps of the constants: int64 of int8 range.

    Args:
        residual: int64, (batch, tokens, channels). channel_shift: (channels,), or None for 0.
    """
    mean, mult, shift = _statistics(graph, residual, constants)
    centred = graph.sub(graph.mul(residual, 1 << CENTRE_FRACTION_BITS), mean)
    if channel_shift is not None:
        shift = graph.add(shift, np.asarray(channel_shift, np.int64))
    return saturate(graph, round_shift_by(graph, graph.mul(centred, mult), shift), INT8)


def _statistics(graph: IntegerGraph, residual: str, constants: NormConstants) -> tuple[str, str, str]:
    """Mean, multiplier and shift of each token, (batch, tokens, 1) int64."""
    total, squares = (_sum(graph, part) for part in (residual, graph.mul(residual, residual)))
    mean = round_shift(
        graph, graph.mul(total, constants.mean_mult), constants.mean_shift - MEAN_FRACTION_BITS
    )
    spread = graph.sub(squares, round_shift(graph, graph.mul(total, mean), MEAN_FRACTION_BITS))
    radicand = graph.clip(graph.add(graph.clip(spread, 0, None), constants.epsilon), 1, None)
    mantissa, half = reciprocal_sqrt(graph, radicand)
    mult = round_shift(graph, graph.mul(mantissa, constants.norm_mult), 16)
    centre = round_shift(graph, mean, MEAN_FRACTION_BITS - CENTRE_FRACTION_BITS)
    return centre, mult, graph.add(half, constants.norm_shift + CENTRE_FRACTION_BITS)


def _sum(graph: IntegerGraph, value: str) -> str:
    return graph.do("ReduceSum", value, graph.numbers([-1]), keepdims=1)
