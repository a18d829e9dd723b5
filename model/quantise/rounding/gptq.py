"""Column by column, each rounding error made up for by the columns that are still to come."""

import numpy as np

from ..moments import ErrorMatrix
from .nearest import nearest

BLOCK = 64
"""Columns whose corrections are gathered before they reach the columns far behind: one matrix product
then."""


def gptq(weight: np.ndarray, error: ErrorMatrix, limit: int, iterations: int) -> np.ndarray:
    """Round so that d·G·d of each row, d its error, gets small: the same order of columns for all rows.

    Frantar et al., *GPTQ*, ICLR 2023, section 3.3, equations 2 and 3 in the Cholesky form of its algorithm 1.
    Inputs that count as independent cannot make up for each other, and G of a classifier with 25,088 of them
    would take 5 GB.
    """
    if error.moments.second is None:
        return nearest(weight, error, limit, iterations)
    order, factor = error.elimination
    # A column of the weights is a row here: what is next to each other in memory is done together.
    rest = np.ascontiguousarray(weight[:, order].T, np.float64)
    rounded = np.empty_like(rest)
    for start in range(0, len(rest), BLOCK):
        stop = min(start + BLOCK, len(rest))
        errors = np.empty((stop - start, rest.shape[1]))
        for column in range(start, stop):
            whole = np.floor(rest[column] + 0.5)
            np.clip(whole, -limit, limit, out=rounded[column])
            wrong = np.divide(
                rest[column] - rounded[column], factor[column, column], out=errors[column - start]
            )
            rest[column + 1 : stop] -= factor[column, column + 1 : stop, None] * wrong
        rest[stop:] -= factor[start:stop, stop:].T @ errors
    result = np.empty(weight.shape)
    result[:, order] = rounded.T
    return result
