"""Exact integer products at the speed of 8-bit or float32 arithmetic.

Partial sums of a product are sums of some of its terms, so that none is larger than the sum of all
magnitudes. As long as that is below 2²⁴, float32 holds each of them, in whatever order they are added.
"""

from functools import cache
from typing import Any

import numpy as np
import torch
from torch import Tensor

from pointwise.model.integer.convolution import FLOAT32_EXACT
from pointwise.model.integer.rounding import INT8, UINT8

LARGEST = {"int8": -INT8[0], "uint8": UINT8[1]}
"""The largest magnitude of each type."""
_bytes_matmul: Any = getattr(torch, "_int_mm", None)
"""(rows, N) int32 of (rows, K) and (K, N) int8; None in a torch that has it not."""
SIGN = 128
"""Between a byte with a sign and one without: x and x − 128 differ in the first bit alone."""


@cache
def has_byte_products(device: torch.device) -> bool:
    """Whether torch multiplies 8-bit integers into 32-bit sums there, and exactly: processors without
    instructions for it may saturate in between, which extremes show."""
    if device.type != "cpu" or _bytes_matmul is None:
        return False
    extremes = torch.tensor([INT8[0], INT8[1], 1, INT8[0]], dtype=torch.int8).repeat(64)
    left, right = extremes.expand(5, -1).contiguous(), extremes.expand(3, -1).contiguous()
    try:
        found = _bytes_matmul(left, right.t())
    except RuntimeError:
        return False
    return bool((found == int((extremes.long() ** 2).sum())).all())


class Product:
    """x · Wᵀ for a weight that stays.

    Args:
        weight: (N, K) int8. dtype: of x, "int8" or "uint8". device: where it is computed.

    Attributes:
        offset: (N,) int64, still to be added to what a call returns.
    """

    def __init__(self, weight: np.ndarray, dtype: str, device: torch.device) -> None:
        self.dtype = dtype
        weight = np.asarray(weight, np.int8)
        # Of a single term torch 2.13 writes no result.
        self.bytes = has_byte_products(device) and weight.shape[1] > 1
        self.offset = np.zeros(len(weight), np.int64)
        if self.bytes:
            self.parts = [(slice(None), torch.from_numpy(np.ascontiguousarray(weight.T)).to(device))]
            if dtype == "uint8":
                self.offset = SIGN * weight.sum(axis=1, dtype=np.int64)
            return
        floats = torch.from_numpy(weight.astype(np.float32)).to(device)
        self.parts = [(part, floats[:, part].T) for part in _parts(weight, LARGEST[dtype])]

    def __call__(self, values: Tensor) -> Tensor:
        """(rows, N) integers, in int32, float32 or float64, of (rows, K) integers of the type."""
        if self.bytes:
            signed = values if self.dtype == "int8" else (values ^ SIGN).view(torch.int8)
            return _bytes_matmul(signed, self.parts[0][1])
        made: Tensor | None = None
        for part, weight in self.parts:
            product = values[:, part].to(torch.float32) @ weight
            if made is None:
                made = product if len(self.parts) == 1 else product.double()
            else:
                made += product
        assert made is not None  # there is a part
        return made


def matmul(left: Tensor, right: Tensor, largest: int) -> Tensor:
    """left · right of two values, (…, T, N) integers in float32 or float64.

    Args:
        left: (…, T, K), right: (…, K, N), integers of any type. largest: of the magnitudes of a term.
    """
    k, terms = left.shape[-1], (FLOAT32_EXACT - 1) // largest
    left, right = left.to(torch.float32), right.to(torch.float32)
    made = left[..., :terms] @ right[..., :terms, :]
    if k > terms:
        made = made.double()
        for first in range(terms, k, terms):
            made += left[..., first : first + terms] @ right[..., first : first + terms, :]
    return made


def _parts(weight: np.ndarray, largest: int) -> list[slice]:
    """Parts of K, as few as can be, in which no sum of magnitudes comes to 2²⁴."""
    sizes = np.abs(weight.astype(np.int64)).cumsum(axis=1) * largest
    parts, first, k = list[slice](), 0, weight.shape[1]
    while first < k:
        before = sizes[:, first - 1 : first] if first else 0
        fits = (sizes[:, first:] - before).max(axis=0) < FLOAT32_EXACT
        count = len(fits) if fits.all() else int(fits.argmin())
        parts.append(slice(first, first + count))
        first += count
    return parts
