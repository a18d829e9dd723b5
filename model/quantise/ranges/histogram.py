"""A histogram for each channel, whose width grows with the values: for methods that weigh clipping."""

import numpy as np
import torch
from torch import Tensor

BINS = 1024
"""Bins from −width to width, an even number: four for each step of an int8 that covers the same range."""


class ChannelHistogram:
    """Counts of the values of each channel in ``bins`` bins between −width and width of that channel.

    A value beyond the width doubles it as often as needed, by adding up pairs of bins; nothing is ever
    dropped.

    Attributes:
        width: (channels,) float64, 0 as long as a channel has only been zero.
        counts: (channels, bins) int64.
    """

    def __init__(self, channels: int, bins: int = BINS) -> None:
        """``bins``: from −width to width, a multiple of four."""
        self.bins = bins
        self.width = torch.zeros(channels, dtype=torch.float64)
        self.counts = torch.zeros(channels, bins, dtype=torch.int64)

    def update(self, values: Tensor) -> None:
        """Count (samples, channels) finite values."""
        values = values.double()
        largest = values.abs().amax(dim=0)
        fresh = (self.width == 0) & (largest > 0)
        self.width = torch.where(fresh, largest, self.width)
        while bool((narrow := largest > self.width).any()):
            self._widen(narrow)
        scaled = values / torch.where(self.width > 0, self.width, 1.0)
        index = ((scaled + 1) * (self.bins / 2)).floor().long().clamp_(0, self.bins - 1)
        index += torch.arange(len(self.width)) * self.bins
        self.counts += torch.bincount(index.flatten(), minlength=self.counts.numel()).view_as(self.counts)

    def centres(self) -> Tensor:
        """Return the middle of each bin, (channels, bins) float64."""
        unit = (torch.arange(self.bins, dtype=torch.float64) + 0.5) * (2 / self.bins) - 1
        return self.width[:, None] * unit

    def together(self, channels: np.ndarray, bins: int) -> tuple[Tensor, Tensor]:
        """Return middles and counts, (n,) float64, of the values of some channels in so many common bins.

        Bins that hold nothing are left out.
        """
        counts, centres = self.counts[channels].flatten(), self.centres()[channels].flatten()
        width = float(self.width[channels].max()) or 1.0
        index = ((centres / width + 1) * (bins / 2)).floor().long().clamp_(0, bins - 1)
        sums = torch.zeros(bins, dtype=torch.float64).index_add_(0, index, counts.double())
        middles = width * ((torch.arange(bins, dtype=torch.float64) + 0.5) * (2 / bins) - 1)
        return middles[sums > 0], sums[sums > 0]

    def _widen(self, narrow: Tensor) -> None:
        pairs = self.counts[narrow].view(-1, self.bins // 2, 2).sum(dim=2)
        self.counts[narrow] = 0
        self.counts[narrow, self.bins // 4 : 3 * self.bins // 4] = pairs
        self.width = torch.where(narrow, 2 * self.width, self.width)
