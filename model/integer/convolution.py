"""The array: an exact integer matrix product."""

from functools import cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import torch

FLOAT32_EXACT = 1 << 24
"""Up to here float32 holds every integer."""
FLOAT32_PARTS = 3
"""In more parts than this, products in float32 cost more than one in float64."""
GPU_MACS = 50_000_000
"""Products smaller than this are not worth the way to a GPU, nor the import of torch."""


def convolve(activations: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """acc[t, n] = Σ_k activations[t, k] · weights[n, k].

    Args:
        activations: (..., T, K) int8 or uint8 range. weights: (..., N, K) int8 range.

    Returns:
        (..., T, N) int64 of int32 range: 4096 · 255 · 128 < 2³¹. The product is one of floats, at the speed
        of BLAS or of a GPU where torch has one, and exact: no partial sum needs more bits than a float has.
    """
    left, right = np.asarray(activations), np.swapaxes(np.asarray(weights), -1, -2)
    if left.size * right.shape[-1] >= GPU_MACS and (device := gpu()) is not None:
        return _on(device, left.astype(np.float64), right.astype(np.float64))
    # As many terms as float32 can add up, whatever their signs and their order.
    terms = FLOAT32_EXACT // max(1, _largest(left) * _largest(right))
    k = left.shape[-1]
    if k > FLOAT32_PARTS * terms:
        return (left.astype(np.float64) @ right.astype(np.float64)).astype(np.int64)
    left, right = left.astype(np.float32), right.astype(np.float32)
    if k <= terms:
        return (left @ right).astype(np.int64)
    size = -(-k // -(-k // terms))
    parts = (slice(first, first + size) for first in range(0, k, size))
    products = ((left[..., part] @ right[..., part, :]).astype(np.int64) for part in parts)
    return sum(products, np.zeros((), np.int64))


def _largest(values: np.ndarray) -> int:
    """The largest magnitude."""
    return max(int(values.max(initial=0)), -int(values.min(initial=0)))


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
