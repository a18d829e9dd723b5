"""What every range method does."""

from abc import ABC, abstractmethod

import numpy as np
from torch import Tensor


class RangeObserver(ABC):
    """Watches the channels of one tensor over all calibration batches, then tells the range of each."""

    def __init__(self, channels: int) -> None:
        """Get ready for a tensor of ``channels`` channels, each with a range of its own."""
        self.channels = channels

    @abstractmethod
    def update(self, values: Tensor) -> None:
        """Take in one batch.

        Args:
            values: (samples, channels) of real values, finite, at least one sample.
        """

    @abstractmethod
    def min_max(self, symmetric: bool) -> tuple[np.ndarray, np.ndarray]:
        """Return the range that 8 bits should cover, after at least one update.

        Args:
            symmetric: the integer has no zero point, so that the range will be widened to −a..a; a method
                that weighs the width of a step against clipping needs to know.

        Returns:
            low and high, (channels,) float64, low ≤ high; low = −high if ``symmetric``.
        """
