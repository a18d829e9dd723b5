"""LayerNorm in passing: sums kept by the epilogue, statistics once a token, normalisation on the way in.

The two mean convolutions of the BPU paper (Tang and Guo, Fig. 1) with the weight 1/H pulled out, so that the
sums are exact: Σx and Σx² over the int16 residual. γ and β are folded into the convolution that follows.
"""

from dataclasses import dataclass

import numpy as np

from .interpolation import reciprocal_sqrt
from .rounding import INT8, round_shift, saturate

MEAN_FRACTION_BITS = 8
"""Fraction bits of the mean inside the statistics."""
CENTRE_FRACTION_BITS = 1
"""Fraction bits of the mean that ``normalise`` subtracts: x − μ then fits an 18-bit multiplier."""


@dataclass(frozen=True)
class NormConstants:
    """Constants of one LayerNorm over H channels.

    Attributes:
        mean_mult, mean_shift: 1/H ≈ mean_mult · 2^−mean_shift; uint16 and 9..63.
        norm_mult, norm_shift: √H / step ≈ norm_mult · 2^−norm_shift, with ``step`` the scale of the int8
            result; uint16 and 0..26.
        epsilon: H · ε / (scale of the residual)², uint32.
    """

    mean_mult: int
    mean_shift: int
    norm_mult: int
    norm_shift: int
    epsilon: int


def token_sums(residual: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Σx and Σx² over the channels of an int16 (T, H) array; 28 bits signed and 43 unsigned for H ≤ 4096."""
    values = np.asarray(residual, np.int64)
    return values.sum(axis=-1), (values * values).sum(axis=-1)


def statistics(
    total: np.ndarray, squares: np.ndarray, constants: NormConstants
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """From sums to what ``normalise`` needs.

    Args:
        total, squares: (T,) from ``token_sums``.

    Returns:
        mean: (T,) μ in units of ½ (18 bits signed: −2¹⁶, and what the rounding of 1/H adds). mult: (T,)
            uint16.
        shift: (T,) 1..63, such that (2x − mean) · mult / 2^shift is (x − μ)/(σ · step).
    """
    mean = round_shift(total * constants.mean_mult, constants.mean_shift - MEAN_FRACTION_BITS)
    spread = squares - round_shift(total * mean, MEAN_FRACTION_BITS)
    mantissa, half = reciprocal_sqrt(np.maximum(np.maximum(spread, 0) + constants.epsilon, 1))
    mult = round_shift(mantissa * constants.norm_mult, 16)
    centre = round_shift(mean, MEAN_FRACTION_BITS - CENTRE_FRACTION_BITS)
    return centre, mult, half + constants.norm_shift + CENTRE_FRACTION_BITS


def normalise(
    residual: np.ndarray,
    mean: np.ndarray,
    mult: np.ndarray,
    shift: np.ndarray,
    channel_shift: np.ndarray | np.int64,
) -> np.ndarray:
    """clamp((2x − mean) · mult / 2^(shift + channel_shift)) to int8, rounding half up.

    Args:
        residual: (T, K) int16. mean, mult, shift: (T,) from ``statistics``. channel_shift: (K,) 0..15, the
            power-of-two factor by which a channel with outliers is scaled down; its weights carry the
            inverse.

    Returns:
        (T, K) int64 of int8 range.
    """
    centred = (np.asarray(residual, np.int64) << CENTRE_FRACTION_BITS) - mean[..., None]
    return saturate(round_shift(centred * mult[..., None], shift[..., None] + channel_shift), *INT8)
