"""Kullback–Leibler divergence: the range whose integers keep most of the distribution's information.

As in TensorRT's calibration (Migacz, *8-bit inference with TensorRT*, GTC 2017) and in Horizon's tool
chain: what lies beyond the range is counted at its ends, and the counts of each integer are spread evenly
over the bins that it stands for.
"""

import torch
from torch import Tensor

from .histogram_observer import STEPS, SYMMETRIC_STEPS, HistogramObserver

FRACTIONS = tuple(1 - 0.025 * step for step in range(31))
"""Parts of the full range that are tried, from all of it down to a quarter."""


class KullbackLeibler(HistogramObserver):
    """The least divergence of the 8-bit distribution from the one that was seen."""

    bins = 2048

    def choose(self, low: Tensor, high: Tensor, symmetric: bool) -> tuple[Tensor, Tensor]:
        centre = torch.zeros_like(low) if symmetric else (low + high) / 2
        half = high - centre
        candidates = [(centre - half * part, centre + half * part) for part in FRACTIONS]
        return self.best(candidates, SYMMETRIC_STEPS if symmetric else STEPS, "divergence")

    def divergence(self, low: Tensor, high: Tensor, steps: int) -> Tensor:
        """Return Σ p · ln(p / q), (channels,): p what was seen, clipped to the range, q its integers."""
        values = self._histogram.centres()
        span = (high - low).clamp(min=torch.finfo(torch.float64).tiny)
        counts = self._histogram.counts.double()
        position = (values - low[:, None]) / span[:, None]
        inside = (position >= 0) & (position <= 1)
        level = (position.clamp(0, 1) * steps + 0.5).floor().long()
        seen = torch.where(inside, counts, 0.0)
        # Q comes from the values inside alone; P has those outside at its ends. That difference is the
        # price of clipping.
        per_level = torch.zeros(len(low), steps + 1, dtype=torch.float64)
        bins = torch.zeros_like(per_level).scatter_add_(1, level, (seen > 0).double())
        spread = per_level.scatter_add(1, level, seen) / bins.clamp(min=1)
        q = torch.where(seen > 0, spread.gather(1, level), 0.0)
        p = seen + self._outside(counts, position, seen)
        p, q = p / p.sum(1, keepdim=True), q / q.sum(1, keepdim=True).clamp(min=1e-300)
        terms = torch.where(p > 0, p * (p / q.clamp(min=1e-12)).clamp(min=1e-300).log(), 0.0)
        return terms.sum(dim=1)

    @staticmethod
    def _outside(counts: Tensor, position: Tensor, seen: Tensor) -> Tensor:
        """What lies beyond either end, put into the outermost bin that holds anything."""
        moved = torch.zeros_like(counts)
        index = torch.arange(counts.shape[1]).expand_as(counts)
        used = seen > 0
        first = torch.where(used, index, counts.shape[1] - 1).amin(dim=1, keepdim=True)
        last = torch.where(used, index, 0).amax(dim=1, keepdim=True)
        moved.scatter_add_(1, first, (counts * (position < 0)).sum(1, keepdim=True))
        return moved.scatter_add_(1, last, (counts * (position > 1)).sum(1, keepdim=True))
