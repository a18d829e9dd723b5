"""The range whose 8-bit integers have the least mean squared error: clipping a few for a finer step."""

from torch import Tensor

from .histogram_observer import STEPS, SYMMETRIC_STEPS, HistogramObserver

FRACTIONS = tuple(1 - 0.02 * step for step in range(36))
"""Parts of the full range that are tried, from all of it down to 30 %."""


class MeanSquaredError(HistogramObserver):
    """Clipping error plus rounding error, estimated on histograms."""

    def choose(self, low: Tensor, high: Tensor, symmetric: bool) -> tuple[Tensor, Tensor]:
        if symmetric:
            return self.best([(-high * part, high * part) for part in FRACTIONS], SYMMETRIC_STEPS)
        # Both ends at once, then each for itself.
        centre = (low + high) / 2
        half = high - centre
        low, high = self.best([(centre - half * part, centre + half * part) for part in FRACTIONS], STEPS)
        low, high = self.best([(high - (high - low) * part, high) for part in FRACTIONS], STEPS)
        return self.best([(low, low + (high - low) * part) for part in FRACTIONS], STEPS)
