"""Weights: int8 with a scale for each output channel, and the requantisation that belongs to it."""

from dataclasses import dataclass

import numpy as np

from pointwise.hw.contract.errors import PointwiseError

from .moments import Moments
from .recipe import LayerConfig
from .rounding import rounding_method
from .scales import fixed_point
from .trained import WeightQuantisation, stored_bits
from .weight_ranges import weight_range_method

BIAS_MAX = 1 << 30
"""Half of int32, so that accumulator and bias together stay within 32 bits."""
LEAST_FACTOR = 2.0**-31
"""Least step of a row against that of the result; of 2^−32 on the hardware can multiply (``scales``)."""


@dataclass(frozen=True)
class QuantisedRows:
    """The integers of one convolution.

    Attributes:
        weight: (N, K) int8. bias: (N,) int32. mult, shift: (N,) uint16 and 1..47.
        weight_bits: how wide an integer must be to hold every weight.
    """

    weight: np.ndarray
    bias: np.ndarray
    mult: np.ndarray
    shift: np.ndarray
    weight_bits: int = 8


NEAREST = LayerConfig(weight_range="minmax", rounding="nearest")
"""The recipe of a convolution about whose input nothing is known."""


def weight_scales(
    weight: np.ndarray,
    bias: np.ndarray,
    config: LayerConfig = NEAREST,
    importance: np.ndarray | None = None,
    grid: WeightQuantisation | None = None,
) -> np.ndarray:
    """Return the real value of one step of each row, (N,); also that of the row's accumulator and bias.

    A row without weights gets the step that lets its bias use 16 bits, and no step is so fine that the bias
    would not fit.

    Args:
        weight: (N, K) real. bias: (N,) real. config: the recipe of the layer.
        importance: (K,) power of each input, one for all unless given. grid: where training has fixed it.
    """
    if grid:
        # A row that training has left no weight in has no largest integer either.
        largest = np.abs(weight).max(axis=1) / np.maximum(grid.largest, 1)
    else:
        importance = np.ones(weight.shape[1]) if importance is None else importance
        reach = weight_range_method(config.weight_range)(weight, importance, config.weight_limit)
        largest = reach / config.weight_limit
        if config.weight_granularity == "tensor":
            largest = np.full_like(largest, largest.max())
    alone = np.maximum(np.abs(bias), 1e-6) / (1 << 15)
    return np.maximum(np.where(largest > 0, largest, alone), np.abs(bias) / BIAS_MAX)


def quantise_rows(
    weight: np.ndarray,
    bias: np.ndarray,
    out_scale: np.ndarray | float,
    name: str,
    inputs: Moments | None = None,
    input_zero: int | np.ndarray = 0,
    config: LayerConfig = NEAREST,
    grid: WeightQuantisation | None = None,
) -> QuantisedRows:
    """Round one convolution to integers.

    Args:
        weight: (N, K) real result for one step of each input channel: the input's scale is already in it.
        bias: (N,) real. out_scale: real value of one step of the result, one or (N,).
        name: the layer, for messages.
        inputs: moments of the input in its steps, without the zero point. By them weights are rounded, and
            the mean error that this leaves is taken out of the bias.
        input_zero: the integer of the input that stands for 0, one or (K,). It is folded into the bias
            exactly.
        config: the recipe of the layer.
        grid: the integers that the weights may become, where training has fixed them: they are rounded to the
            nearest then, since they lie on it.

    Raises:
        PointwiseError: a weight is not finite, a factor or bias does not fit the hardware, or a rounding
            method of the user's gives something else than integers of the range.
    """
    if not (np.isfinite(weight).all() and np.isfinite(bias).all()):
        raise PointwiseError(f"The weights of {name} are not finite; train or fetch the checkpoint again.")
    corrected = inputs is not None and config.bias_correction == "mean"
    if inputs is None:
        inputs = Moments(np.zeros(weight.shape[1]), np.ones(weight.shape[1]))
    error = inputs.corrected if corrected else inputs.plain
    # A row that training has all but erased is one of zeros: the result cannot tell it from them.
    scale = np.maximum(weight_scales(weight, bias, config, error.importance, grid), out_scale * LEAST_FACTOR)
    method = "nearest" if grid else config.rounding
    limit = int(grid.largest.max()) if grid else config.weight_limit
    rounded = rounding_method(method)(weight / scale[:, None], error, limit, config.iterations)
    _check_rounded(rounded, weight.shape, limit, method, name)
    if corrected:
        bias = bias - (rounded * scale[:, None] - weight) @ inputs.mean
    mult, shift = fixed_point(scale / out_scale, name)
    return QuantisedRows(
        rounded.astype(np.int8),
        integer_bias(bias / scale - rounded @ np.broadcast_to(input_zero, weight.shape[1]), name),
        mult,
        shift,
        grid.bits if grid else stored_bits(config.weight_bits),
    )


def _check_rounded(rounded: np.ndarray, shape: tuple[int, ...], limit: int, method: str, name: str) -> None:
    """Refuse what is not integers of the layer's bits."""
    if np.shape(rounded) != shape or not (np.abs(rounded) <= limit).all() or (rounded % 1 != 0).any():
        raise PointwiseError(
            f"The rounding method {method!r} gave {name} something else than integers of ±{limit} "
            f"in the shape {shape}; correct it."
        )


def integer_bias(bias: np.ndarray, name: str) -> np.ndarray:
    """Return biases, in steps of the accumulator, as int32.

    Raises:
        PointwiseError: one does not fit.
    """
    rounded = np.floor(bias + 0.5)
    if np.abs(rounded).max(initial=0) >= 1 << 31:
        raise PointwiseError(
            f"A bias of {name} needs more than 32 bits; its weights are too small against it, check the "
            "checkpoint."
        )
    return rounded.astype(np.int32)
