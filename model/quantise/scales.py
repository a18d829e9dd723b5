"""From real factors to the integers of the hardware: multiplier and shift, and the constants of LayerNorm."""

import math

import numpy as np

from pointwise.hw.contract.errors import PointwiseError
from pointwise.hw.contract.legal import MEAN_SHIFTS, NORM_SHIFTS, SHIFTS
from pointwise.model.integer.layernorm import NormConstants

MULT_BITS = 16


def mantissa(factor: float, shifts: tuple[int, int], name: str) -> tuple[int, int]:
    """Return (mult, shift) such that mult · 2^−shift is the nearest to ``factor`` with 2^15 ≤ mult < 2^16.

    The relative error is at most 2^−16.

    Args:
        factor: positive and finite. shifts: smallest and largest shift that the hardware has.
        name: what the factor belongs to, for the message.

    Raises:
        PointwiseError: the factor is not positive and finite, or needs a shift outside of ``shifts``.
    """
    if not (factor > 0 and math.isfinite(factor)):
        raise PointwiseError(
            f"The scale factor of {name} is {factor}, but it must be positive and finite; check the weights "
            "and the calibration images."
        )
    fraction, exponent = math.frexp(factor)  # fraction in [1/2, 1)
    mult = math.floor(fraction * (1 << MULT_BITS) + 0.5)
    if mult == 1 << MULT_BITS:
        mult, exponent = mult >> 1, exponent + 1
    shift = MULT_BITS - exponent
    if not shifts[0] <= shift <= shifts[1]:
        raise PointwiseError(
            f"The scale factor of {name} is {factor:.4g}, which the hardware cannot multiply by (from "
            f"2^{MULT_BITS - shifts[1] - 1} to below 2^{MULT_BITS - shifts[0]} is possible); check the "
            "ranges of the weights and of the calibration images."
        )
    return mult, shift


def fixed_point(factors: np.ndarray, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Return mult (uint16, 2^15..2^16 − 1) and shift (uint8, 1..47) of each factor of a requantisation.

    Args:
        factors: (N,) real. name: the layer, for the message.

    Raises:
        PointwiseError: as ``mantissa``.
    """
    pairs = [mantissa(float(factor), SHIFTS, name) for factor in factors]
    return np.array([mult for mult, _ in pairs], np.uint16), np.array([shift for _, shift in pairs], np.uint8)


def norm_constants(
    channels: int, step: float, residual_scale: float, epsilon: float, name: str
) -> NormConstants:
    """Return the integers of one LayerNorm.

    Args:
        channels: H. step: real value of one step of the normalised int8.
        residual_scale: real value of one step of the int16 residual stream.
        epsilon: what LayerNorm adds to the variance, in real units.
        name: the LayerNorm, for the message.

    Raises:
        PointwiseError: a constant does not fit the hardware.
    """
    mean_mult, mean_shift = mantissa(1 / channels, MEAN_SHIFTS, f"the mean of {name}")
    norm_mult, norm_shift = mantissa(math.sqrt(channels) / step, NORM_SHIFTS, f"the deviation of {name}")
    # At least 1: a token without any spread must not divide by zero.
    scaled = max(1, math.floor(channels * epsilon / residual_scale**2 + 0.5))
    if scaled >= 1 << 32:
        raise PointwiseError(
            f"The residual stream in front of {name} has a step of {residual_scale:.3g}, against which "
            f"LayerNorm's epsilon {epsilon} does not fit 32 bits; check the weights and the calibration "
            "images."
        )
    return NormConstants(mean_mult, mean_shift, norm_mult, norm_shift, scaled)
