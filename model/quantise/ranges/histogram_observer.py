"""What the range methods share that weigh clipping on a histogram."""

from abc import abstractmethod

import numpy as np
import torch
from torch import Tensor

from .base import RangeObserver
from .histogram import BINS, ChannelHistogram
from .minmax import MinMax

STEPS = 255
"""Steps from the lowest to the highest 8-bit integer."""
SYMMETRIC_STEPS = 254
"""The same without −128."""


class HistogramObserver(RangeObserver):
    """Keeps the full range and a histogram of each channel; a method looks for the best part of the range.

    Attributes:
        bins: of the histogram, from −width to width.
    """

    bins = BINS

    def __init__(self, channels: int) -> None:
        super().__init__(channels)
        self._full = MinMax(channels)
        self._histogram = ChannelHistogram(channels, self.bins)
        self._sums: Tensor | None = None

    def update(self, values: Tensor) -> None:
        self._full.update(values)
        self._histogram.update(values)
        self._sums = None

    def min_max(self, symmetric: bool) -> tuple[np.ndarray, np.ndarray]:
        low, high = (torch.from_numpy(limit.copy()) for limit in self._full.min_max(symmetric))
        low, high = self.choose(low, high, symmetric)
        return low.numpy(), high.numpy()

    @abstractmethod
    def choose(self, low: Tensor, high: Tensor, symmetric: bool) -> tuple[Tensor, Tensor]:
        """Return the range of each channel within its full range low..high, (channels,) float64 each."""

    def best(
        self, candidates: list[tuple[Tensor, Tensor]], steps: int, error: str = "squared_error"
    ) -> tuple[Tensor, Tensor]:
        """Return, channel by channel, the candidate of the least error; the first among equals."""
        errors = torch.stack([getattr(self, error)(low, high, steps) for low, high in candidates])
        choice = errors.argmin(dim=0, keepdim=True)
        lows = torch.stack([low for low, _ in candidates])
        highs = torch.stack([high for _, high in candidates])
        return lows.gather(0, choice)[0], highs.gather(0, choice)[0]

    def squared_error(self, low: Tensor, high: Tensor, steps: int) -> Tensor:
        """Return clipping error plus rounding error (a twelfth of the squared step), (channels,)."""
        below, beneath = self._below(low), self._below(high)
        above = self._running()[:, :, -1] - beneath
        clipped = low**2 * below[0] - 2 * low * below[1] + below[2]
        clipped = clipped + high**2 * above[0] - 2 * high * above[1] + above[2]
        inside = beneath[0] - below[0]
        return clipped.clamp(min=0) + inside * ((high - low) / steps) ** 2 / 12

    def _below(self, limit: Tensor) -> Tensor:
        """Return Σ 1, Σ v and Σ v² over the values v below a limit of each channel, (3, channels)."""
        width = torch.where(self._histogram.width > 0, self._histogram.width, 1.0)
        index = ((limit / width + 1) * (self.bins / 2) - 0.5).ceil().long().clamp(0, self.bins)
        return self._running().gather(2, index.expand(3, -1)[:, :, None])[:, :, 0]

    def _running(self) -> Tensor:
        """Return those sums below each bin, (3, channels, bins + 1), made once for all candidates."""
        if self._sums is None:
            counts, values = self._histogram.counts.double(), self._histogram.centres()
            each = torch.stack([counts, counts * values, counts * values**2])
            self._sums = torch.nn.functional.pad(each.cumsum(dim=2), (1, 0))
        return self._sums
