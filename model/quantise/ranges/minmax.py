"""The full range of what was seen: nothing of the calibration images is clipped."""

import numpy as np
import torch
from torch import Tensor

from .base import RangeObserver


class MinMax(RangeObserver):
    """Smallest and largest value of each channel."""

    def __init__(self, channels: int) -> None:
        super().__init__(channels)
        self._low = torch.full((channels,), torch.inf)
        self._high = torch.full((channels,), -torch.inf)

    def update(self, values: Tensor) -> None:
        self._low = torch.minimum(self._low, values.amin(dim=0))
        self._high = torch.maximum(self._high, values.amax(dim=0))

    def min_max(self, symmetric: bool) -> tuple[np.ndarray, np.ndarray]:
        low, high = self._low.double().numpy(), self._high.double().numpy()
        if symmetric:
            high = np.maximum(np.abs(low), np.abs(high))
            low = -high
        return low, high
