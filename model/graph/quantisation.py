"""What integers stand for: real = scale · (integer − zero point) + offset, of a tensor or of each channel."""

from dataclasses import dataclass

import numpy as np

from pointwise.model.integer.rounding import saturate

from .value import LIMITS


@dataclass(frozen=True, eq=False)
class Quantisation:
    """The scale of a value's integers.

    Attributes:
        scale: real value of one step, positive: one number, or (channels,).
        zero_point: the integer that stands for zero where there is no offset.
        offset: real value of the integer ``zero_point``: one number, or (channels,).
    """

    scale: float | np.ndarray = 1.0
    zero_point: int = 0
    offset: float | np.ndarray = 0.0

    def __repr__(self) -> str:
        """In a line, where channels differ with the least and the greatest."""
        said = []
        for value in (self.scale, self.offset):
            ends = np.min(value), np.max(value)
            said.append(f"{ends[0]:.4g}" if ends[0] == ends[1] else f"{ends[0]:.4g} to {ends[1]:.4g}")
        return f"Quantisation(scale {said[0]}, zero point {self.zero_point}, offset {said[1]})"

    @property
    def step(self) -> float:
        """Real value of one step; where channels differ, the mean."""
        return float(np.mean(self.scale))

    @property
    def zero(self) -> float | np.ndarray:
        """What stands for 0 among the integers, which need not be whole: one number, or (channels,)."""
        return self.zero_point - self.offset / self.scale

    @property
    def centre(self) -> float | np.ndarray:
        """Real value of the integer 0: one number, or (channels,)."""
        return self.offset - self.zero_point * self.scale

    def real(self, integers: np.ndarray) -> np.ndarray:
        """What integers (…, channels) stand for, float64."""
        return self.scale * (np.asarray(integers, np.float64) - self.zero_point) + self.offset

    def rounded(self, values: np.ndarray, dtype: str) -> np.ndarray:
        """The nearest integers of ``dtype`` to real values (…, channels), int64; the inverse of ``real``."""
        steps = (np.asarray(values, np.float64) - self.offset) / self.scale + self.zero_point
        return saturate(np.floor(steps + 0.5), *LIMITS[dtype]).astype(np.int64)
