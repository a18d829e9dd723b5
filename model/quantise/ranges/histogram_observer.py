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

    def update(self, values: Tensor) -> None:
        self._full.update(values)
        self._histogram.update(values)

    def limits(self, symmetric: bool) -> tuple[np.ndarray, np.ndarray]:
        low, high = (torch.from_numpy(limit.copy()) for limit in self._full.limits(symmetric))
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
        counts = self._histogram.counts.double()
        values = self._histogram.centres()
        below = (low[:, None] - values).clamp(min=0)
        above = (values - high[:, None]).clamp(min=0)
        clipped = (counts * (below + above) ** 2).sum(dim=1)
        inside = (counts * ((below + above) == 0)).sum(dim=1)
        return clipped + inside * ((high - low) / steps) ** 2 / 12
