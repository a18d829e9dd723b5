"""The range whose 8-bit integers have the least mean squared error: clipping a few for a finer step."""

import numpy as np
import torch
from torch import Tensor

from .base import RangeObserver
from .histogram import ChannelHistogram
from .minmax import MinMax

FRACTIONS = tuple(1 - 0.02 * step for step in range(36))
"""Parts of the full range that are tried, from all of it down to 30 %."""
STEPS = 255
"""Steps from the lowest to the highest 8-bit integer."""
SYMMETRIC_STEPS = 254
"""The same without −128."""


class MeanSquaredError(RangeObserver):
    """Clipping error plus rounding error (a twelfth of the squared step), estimated on histograms."""

    def __init__(self, channels: int) -> None:
        super().__init__(channels)
        self._full = MinMax(channels)
        self._histogram = ChannelHistogram(channels)

    def update(self, values: Tensor) -> None:
        self._full.update(values)
        self._histogram.update(values)

    def limits(self, symmetric: bool) -> tuple[np.ndarray, np.ndarray]:
        low, high = (torch.from_numpy(limit.copy()) for limit in self._full.limits(symmetric))
        if symmetric:
            high = self._best([(-high * part, high * part) for part in FRACTIONS], SYMMETRIC_STEPS)[1]
            return -high.numpy(), high.numpy()
        # Both ends at once, then each for itself.
        centre = (low + high) / 2
        half = high - centre
        low, high = self._best([(centre - half * part, centre + half * part) for part in FRACTIONS], STEPS)
        low, high = self._best([(high - (high - low) * part, high) for part in FRACTIONS], STEPS)
        low, high = self._best([(low, low + (high - low) * part) for part in FRACTIONS], STEPS)
        return low.numpy(), high.numpy()

    def _best(self, candidates: list[tuple[Tensor, Tensor]], steps: int) -> tuple[Tensor, Tensor]:
        """Return, channel by channel, the candidate of the least error; the first among equals."""
        errors = torch.stack([self._error(low, high, steps) for low, high in candidates])
        choice = errors.argmin(dim=0, keepdim=True)
        lows = torch.stack([low for low, _ in candidates])
        highs = torch.stack([high for _, high in candidates])
        return lows.gather(0, choice)[0], highs.gather(0, choice)[0]

    def _error(self, low: Tensor, high: Tensor, steps: int) -> Tensor:
        counts = self._histogram.counts.double()
        values = self._histogram.centres()
        below = (low[:, None] - values).clamp(min=0)
        above = (values - high[:, None]).clamp(min=0)
        clipped = (counts * (below + above) ** 2).sum(dim=1)
        inside = (counts * ((below + above) == 0)).sum(dim=1)
        return clipped + inside * ((high - low) / steps) ** 2 / 12
