"""The array: an exact integer matrix product."""

from functools import cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import torch

GPU_MACS = 50_000_000
"""Products smaller than this are not worth the way to a GPU, nor the import of torch."""


def convolve(activations: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """acc[t, n] = Σ_k activations[t, k] · weights[n, k].

    Args:
        activations: (..., T, K) int8 or uint8 range. weights: (..., N, K) int8 range.

    Returns:
        (..., T, N) int64 of int32 range: 4096 · 255 · 128 < 2³¹. A float64 product is exact while sums stay
        below 2⁵³, and runs at the speed of BLAS, or of a GPU where torch has one.
    """
    left = np.asarray(activations, np.float64)
    right = np.swapaxes(np.asarray(weights, np.float64), -1, -2)
    if left.size * right.shape[-1] >= GPU_MACS and (device := gpu()) is not None:
        return _on(device, left, right)
    return (left @ right).astype(np.int64)


@cache
def gpu() -> "torch.device | None":
    """The GPU that torch has, or None."""
    import torch  # here, because a small network needs none of it

    return torch.device("cuda") if torch.cuda.is_available() else None


def _on(device: "torch.device", left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """The product on another device, in the same float64, so that it is exact there too."""
    import torch

    tensors = (torch.from_numpy(np.ascontiguousarray(side)).to(device) for side in (left, right))
    return torch.matmul(*tensors).to(torch.int64).cpu().numpy()
