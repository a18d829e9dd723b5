"""Percentiles: the range that leaves out a share of the values; of several shares, the one of the least
error."""

import torch
from torch import Tensor

from .histogram_observer import STEPS, SYMMETRIC_STEPS, HistogramObserver

PERCENTILES = (100.0, 99.999, 99.99, 99.9, 99.5, 99.0)
"""Shares of the values, in per cent, that the candidates keep inside of the range. (FQ-ViT, Lin et al., IJCAI
2022, compares such percentiles; which is best depends on the tensor.)"""


class Percentile(HistogramObserver):
    """Each of ``PERCENTILES`` on the histogram; the best by mean squared error, channel by channel."""

    def choose(self, low: Tensor, high: Tensor, symmetric: bool) -> tuple[Tensor, Tensor]:
        candidates = [self._inside(low, high, share / 100, symmetric) for share in PERCENTILES]
        return self.best(candidates, SYMMETRIC_STEPS if symmetric else STEPS)

    def _inside(self, low: Tensor, high: Tensor, share: float, symmetric: bool) -> tuple[Tensor, Tensor]:
        """The range that holds that share, half of the rest beyond either end."""
        values = self._histogram.centres()
        counts = self._histogram.counts.double()
        if share == 1:
            return low, high
        if symmetric:
            half = values.shape[1] // 2
            values, counts = values[:, half:], counts[:, half:] + counts[:, :half].flip(1)
            top = torch.minimum(self._quantile(values, counts, share), high)
            return -top, top
        rest = (1 - share) / 2
        bottom = torch.maximum(self._quantile(values, counts, rest), low)
        return bottom, torch.minimum(self._quantile(values, counts, 1 - rest), high)

    @staticmethod
    def _quantile(values: Tensor, counts: Tensor, share: float) -> Tensor:
        """The bin of each channel up to which that share of the counts lies."""
        running = counts.cumsum(dim=1)
        index = torch.searchsorted(running, share * running[:, -1:]).clamp(max=values.shape[1] - 1)
        return values.gather(1, index)[:, 0]
