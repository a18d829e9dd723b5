"""The range averaged over the calibration batches, so that one unusual image does not decide it."""

import numpy as np
import torch
from torch import Tensor

from .base import RangeObserver

MOMENTUM = 0.9
"""Part of the old range that each batch leaves (Jacob et al., CVPR 2018, section 3.1, smooth over many more
batches than calibration has)."""


class MovingAverage(RangeObserver):
    """Exponential moving average of each batch's smallest and largest value."""

    def __init__(self, channels: int) -> None:
        super().__init__(channels)
        self._range: Tensor | None = None

    def update(self, values: Tensor) -> None:
        batch = torch.stack([values.amin(dim=0), values.amax(dim=0)]).double()
        self._range = batch if self._range is None else MOMENTUM * self._range + (1 - MOMENTUM) * batch

    def min_max(self, symmetric: bool) -> tuple[np.ndarray, np.ndarray]:
        assert self._range is not None, "asked before the first batch"
        low, high = self._range.numpy()
        if symmetric:
            high = np.maximum(np.abs(low), np.abs(high))
            low = -high
        return low, high
