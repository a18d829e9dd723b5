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
    rest = weight[:, order].copy()
    rounded = np.empty_like(rest)
    columns = rest.shape[1]
    for start in range(0, columns, BLOCK):
        stop = min(start + BLOCK, columns)
        errors = np.empty((len(rest), stop - start))
        for column in range(start, stop):
            rounded[:, column] = np.clip(np.floor(rest[:, column] + 0.5), -limit, limit)
            wrong = (rest[:, column] - rounded[:, column]) / factor[column, column]
            errors[:, column - start] = wrong
            rest[:, column:stop] -= np.outer(wrong, factor[column, column:stop])
        rest[:, stop:] -= errors @ factor[start:stop, stop:]
    result = np.empty_like(rounded)
    result[:, order] = rounded
    return result
