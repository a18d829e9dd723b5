"""A histogram for each channel, whose width grows with the values: for methods that weigh clipping."""

import torch
from torch import Tensor

BINS = 1024
"""Bins from −width to width, an even number: four for each step of an int8 that covers the same range."""


class ChannelHistogram:
    """Counts of the values of each channel in ``BINS`` bins between −width and width of that channel.

    A value beyond the width doubles it as often as needed, by adding up pairs of bins; nothing is ever
    dropped.

    Attributes:
        width: (channels,) float64, 0 as long as a channel has only been zero.
        counts: (channels, BINS) int64.
    """

    def __init__(self, channels: int) -> None:
        self.width = torch.zeros(channels, dtype=torch.float64)
        self.counts = torch.zeros(channels, BINS, dtype=torch.int64)

    def update(self, values: Tensor) -> None:
        """Count (samples, channels) finite values."""
        values = values.double()
        largest = values.abs().amax(dim=0)
        fresh = (self.width == 0) & (largest > 0)
        self.width = torch.where(fresh, largest, self.width)
        while bool((narrow := largest > self.width).any()):
            self._widen(narrow)
        scaled = values / torch.where(self.width > 0, self.width, 1.0)
        index = ((scaled + 1) * (BINS / 2)).floor().long().clamp_(0, BINS - 1)
        index += torch.arange(len(self.width)) * BINS
        self.counts += torch.bincount(index.flatten(), minlength=self.counts.numel()).view_as(self.counts)

    def centres(self) -> Tensor:
        """Return the middle of each bin, (channels, BINS) float64."""
        unit = (torch.arange(BINS, dtype=torch.float64) + 0.5) * (2 / BINS) - 1
        return self.width[:, None] * unit

    def _widen(self, narrow: Tensor) -> None:
        pairs = self.counts[narrow].view(-1, BINS // 2, 2).sum(dim=2)
        self.counts[narrow] = 0
        self.counts[narrow, BINS // 4 : 3 * BINS // 4] = pairs
        self.width = torch.where(narrow, 2 * self.width, self.width)
