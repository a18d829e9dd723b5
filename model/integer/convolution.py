"""The array: an exact integer matrix product."""

import numpy as np


def convolve(activations: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """acc[t, n] = Σ_k activations[t, k] · weights[n, k].

    Args:
        activations: (T, K) int8 or uint8 range. weights: (N, K) int8 range.

    Returns:
        (T, N) int64 of int32 range: 4096 · 255 · 128 < 2³¹. A float64 product is exact while sums stay below
        2⁵³, and runs at the speed of BLAS.
    """
    product = np.asarray(activations, np.float64) @ np.swapaxes(np.asarray(weights, np.float64), -1, -2)
    return product.astype(np.int64)
