"""The integer functions of docs/arithmetic.md, on int64 arrays."""

from typing import NamedTuple

import numpy as np

from tests.independent.reference.interpolation import reciprocal, reciprocal_sqrt, round_shift

INT8, UINT8, INT16 = (-128, 127), (0, 255), (-32768, 32767)


class Statistics(NamedTuple):
    """LayerNorm's numbers of a token: a factor mult · 2^−shift, and the mean in halves."""

    mult: np.ndarray
    shift: np.ndarray
    centre: np.ndarray


def requantise(acc, bias, mult, shift, limits) -> np.ndarray:
    return np.clip(round_shift((acc + bias) * mult, shift), *limits)


def int32(value: np.ndarray) -> np.ndarray:
    """The lowest 32 bits in two's complement."""
    return (value + (1 << 31)) % (1 << 32) - (1 << 31)


def int9(value: np.ndarray) -> np.ndarray:
    """The lowest 9 bits in two's complement."""
    return (value + 256) % 512 - 256


def add_scaled(new, old, factor: int, shift: int, limits) -> np.ndarray:
    """⌊(new + factor · old) / 2^shift + ½⌋, clamped; `shift` may be 0."""
    total = new + factor * old
    return np.clip(round_shift(total, shift) if shift else total, *limits)


def exponentials(score, row_max, table) -> np.ndarray:
    """EXP[row_max − score]; `score` is … × T × R, `row_max` T × 1."""
    return table[(row_max - score) & 255].astype(np.int64)


def divide(acc, sum_mult, sum_shift) -> np.ndarray:
    """acc / S with 12 fraction bits, where (sum_mult, sum_shift) = reciprocal(max(S, 1))."""
    return round_shift(acc * sum_mult, sum_shift + 16 - 12)


def softmax_reciprocal(total) -> tuple[np.ndarray, np.ndarray]:
    """reciprocal(max(S, 1)) of sums of exponentials."""
    return reciprocal(np.maximum(total, 1))


def layernorm_statistics(x, mean_mult, mean_shift, norm_mult, norm_shift, epsilon) -> Statistics:
    """Of T × H residuals; each result has shape T."""
    total, squares = x.sum(axis=1), (x * x).sum(axis=1)
    mean = round_shift(total * mean_mult, mean_shift - 8)
    spread = squares - round_shift(total * mean, 8)
    p, h = reciprocal_sqrt(np.maximum(np.maximum(spread, 0) + epsilon, 1))
    return Statistics(round_shift(p * norm_mult, 16), h + norm_shift + 1, round_shift(mean, 7))


def normalise(x, statistics: Statistics, channel_shift) -> np.ndarray:
    """Of … × T × R residuals; `channel_shift` has any shape that goes with them."""
    mult, shift, centre = (part[:, None] for part in statistics)
    return np.clip(round_shift((2 * x - centre) * mult, shift + channel_shift), *INT8)
