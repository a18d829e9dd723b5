"""Softmax in passing: exponentials by table on the way in, the sum's reciprocal on the way out.

The normalisation is deferred: the array sums e·v with unnormalised e, and the epilogue divides. Against
probabilities rounded to a uint8 this keeps the many small ones of a long row.
"""

import numpy as np

from .interpolation import reciprocal
from .rounding import round_shift

DIVIDE_FRACTION_BITS = 12
"""Fraction bits of the quotient that ``divide`` hands to the requantiser."""


def exponentials(scores: np.ndarray, row_max: np.ndarray, table: np.ndarray) -> np.ndarray:
    """e[t, k] = table[row_max[t] − scores[t, k]].

    Args:
        scores: (T, K) int8. row_max: (T,) int8, at least every score of its row. table: (256,) uint8.

    Returns:
        (T, K) int64 of uint8 range.
    """
    return np.asarray(table, np.int64)[np.asarray(row_max, np.int64)[..., None] - scores]


def divide(acc: np.ndarray, total: np.ndarray) -> np.ndarray:
    """acc / total in units of 2^−12, rounding half up after the multiplication with the reciprocal.

    Args:
        acc: (T, N) int32, |acc| ≤ 128 · total. total: (T,) sums of exponentials, up to 2^20 − 1 (4096 of
            them); 0 counts as 1.

    Returns:
        (T, N) int64 with |result| ≤ 2^19 + 2^5.
    """
    mult, leading = reciprocal(np.maximum(total, 1))
    shift = leading + 16 - DIVIDE_FRACTION_BITS
    return round_shift(np.asarray(acc, np.int64) * mult[..., None], shift[..., None])
