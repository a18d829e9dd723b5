"""Weights: int8 with a scale for each output channel, and the requantisation that belongs to it."""

from dataclasses import dataclass

import numpy as np

from hw.contract.errors import PointwiseError

from .scales import fixed_point

WEIGHT_MAX = 127
"""Weights are symmetric: −128 is not used."""
BIAS_MAX = 1 << 30
"""Half of int32, so that accumulator and bias together stay within 32 bits."""


@dataclass(frozen=True)
class QuantisedRows:
    """The integers of one convolution.

    Attributes:
        weight: (N, K) int8. bias: (N,) int32. mult, shift: (N,) uint16 and 1..47.
    """

    weight: np.ndarray
    bias: np.ndarray
    mult: np.ndarray
    shift: np.ndarray


def weight_scales(weight: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """Return the real value of one step of each row, (N,); also that of the row's accumulator and bias.

    A row without weights gets the step that lets its bias use 16 bits, and no step is so fine that the bias
    would not fit.
    """
    largest = np.abs(weight).max(axis=1) / WEIGHT_MAX
    alone = np.maximum(np.abs(bias), 1e-6) / (1 << 15)
    return np.maximum(np.where(largest > 0, largest, alone), np.abs(bias) / BIAS_MAX)


def quantise_rows(
    weight: np.ndarray,
    bias: np.ndarray,
    out_scale: np.ndarray | float,
    name: str,
    input_mean: np.ndarray | None = None,
    input_zero: int = 0,
) -> QuantisedRows:
    """Round one convolution to integers.

    Args:
        weight: (N, K) real result for one step of each input channel: the input's scale is already in it.
        bias: (N,) real. out_scale: real value of one step of the result, one or (N,).
        name: the layer, for messages.
        input_mean: (K,) mean of the input in its steps, without the zero point. The mean error that rounding
            the weights would leave is then taken out of the bias.
        input_zero: the integer of the input that stands for 0. It is folded into the bias exactly.

    Raises:
        PointwiseError: a weight is not finite, or a factor or bias does not fit the hardware.
    """
    if not (np.isfinite(weight).all() and np.isfinite(bias).all()):
        raise PointwiseError(f"The weights of {name} are not finite; train or fetch the checkpoint again.")
    scale = weight_scales(weight, bias)
    rounded = np.floor(weight / scale[:, None] + 0.5)
    if input_mean is not None:
        bias = bias - (rounded * scale[:, None] - weight) @ input_mean
    mult, shift = fixed_point(scale / out_scale, name)
    return QuantisedRows(
        rounded.astype(np.int8),
        integer_bias(bias / scale - input_zero * rounded.sum(axis=1), name),
        mult,
        shift,
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
