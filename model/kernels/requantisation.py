"""Requantisation and division in float64, which holds all of their integers.

(acc + bias) · mult / 2^shift has a numerator below 2⁴⁸ and at most 47 bits behind the point, as have all of
its parts: float64 with its 53 bits rounds nowhere, and ⌊x + ½⌋ is what ``round_shift`` says.
"""

from functools import cache

import numpy as np
import torch
from torch import Tensor

from pointwise.model.graph.value import LIMITS
from pointwise.model.integer.interpolation import reciprocal
from pointwise.model.integer.rounding import UINT8
from pointwise.model.integer.softmax import DIVIDE_FRACTION_BITS

TYPES = {"int8": torch.int8, "uint8": torch.uint8, "int16": torch.int16}
CACHED = 1 << 17
"""Elements that are requantised together: what is read and written several times stays in the cache."""


class Requantisation:
    """``pointwise.model.integer.requantise.requantise`` with constants that stay.

    Args:
        bias, mult, shift: (N,), see there. dtype: of the result. device: where it is computed.
    """

    def __init__(
        self, bias: np.ndarray, mult: np.ndarray, shift: np.ndarray, dtype: str, device: torch.device
    ) -> None:
        self.type, self.limits = TYPES[dtype], LIMITS[dtype]
        scale = np.ldexp(np.asarray(mult, np.float64), -np.asarray(shift, np.int64))
        self.scale = torch.from_numpy(scale).to(device)
        self.offset = torch.from_numpy(np.asarray(bias, np.float64) * scale + 0.5).to(device)

    def __call__(self, acc: Tensor, out: Tensor | None = None) -> Tensor:
        """(…, N) of the type, into ``out`` where it is given, of (…, N) integers of any type."""
        made = torch.mul(acc, self.scale).add_(self.offset).floor_().clamp_(*self.limits)
        # Straight to bytes without a sign takes torch four times as long as by way of 16 bits.
        whole = made.to(torch.int16) if self.type == torch.uint8 else made
        return whole.to(self.type) if out is None else out.copy_(whole)


def rows_at_once(channels: int) -> int:
    """Rows of so many channels that are requantised together."""
    return max(32, CACHED // channels)


@cache
def reciprocals(terms: int, device: torch.device) -> Tensor:
    """What ``divide`` multiplies with for each sum of so many exponentials, (terms · 255 + 1,) float64."""
    mult, leading = reciprocal(np.maximum(np.arange(terms * UINT8[1] + 1), 1))
    return torch.from_numpy(np.ldexp(mult.astype(np.float64), DIVIDE_FRACTION_BITS - 16 - leading)).to(device)


def divided(acc: Tensor, exponentials: Tensor) -> Tensor:
    """``pointwise.model.integer.softmax.divide``: (…, T, N) float64, integers in units of 2^−12.

    Args:
        acc: (…, T, N) integers of any type. exponentials: (…, T, K), whose sums they are divided by.
    """
    total = exponentials.sum(dim=-1, keepdim=True, dtype=torch.int64)
    factors = reciprocals(exponentials.shape[-1], acc.device)
    return torch.mul(acc, factors[total]).add_(0.5).floor_()
