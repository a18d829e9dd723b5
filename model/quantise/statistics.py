"""What calibration remembers: statistics of each tensor, and samples of attention and of GELU inputs."""

import math
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from pointwise.hw.contract.errors import PointwiseError

from .moments import Moments
from .ranges import RangeObserver
from .ranges.histogram import ChannelHistogram
from .ranges.minmax import MinMax
from .window_moments import WindowRecord

FEW_IMAGES = 32
"""From so many images on, ranges are widened the less, the more there are: their tails have been seen."""

TOGETHER = 16
"""Samples whose sum is made in float32."""
STRIP = 512
"""Channels whose products with all that follow are made at once."""


class TensorObserver:
    """What calibration learns about the channels of one tensor.

    Attributes:
        name: for messages. channels: how many.
        range: the range method that watched it; its channels are equal groups of neighbours of the tensor's.
        mean, mean_square: (channels,) float64.
    """

    def __init__(
        self,
        name: str,
        observer: RangeObserver,
        channels: int | None = None,
        second: bool = False,
    ) -> None:
        """``channels``: where not those of ``observer``. ``second``: keep the second moments of any two."""
        self.name = name
        self.range = observer
        self.channels = channels or observer.channels
        self._count = 0
        self._sums = torch.zeros(2, self.channels, dtype=torch.float64)
        # Of (value − origin), the upper triangle alone: products of a batch are added up in float32, which is
        # too coarse for values far from zero, whose mean is taken out again.
        size = (self.channels, self.channels)
        self._second = torch.zeros(size, dtype=torch.float64) if second else None
        self._origin: Tensor | None = None

    def update(self, values: Tensor) -> None:
        """Take in (samples, channels).

        Raises:
            PointwiseError: a value is not finite.
        """
        sums = torch.stack([_sum(values), _sum(values * values)])
        # A sum is finite only if all that went into it is, and is quicker than looking at each.
        if not bool(torch.isfinite(sums).all()):
            raise PointwiseError(
                f"On the calibration images the float network gives values of {self.name} that are not "
                "finite; check the weights and the images."
            )
        # Smallest and largest value of each channel are all that min–max looks at.
        looked_at = torch.stack(values.aminmax(dim=0)) if type(self.range) is MinMax else values
        groups = self.range.channels
        self.range.update(looked_at.unflatten(1, (groups, -1)).transpose(1, 2).flatten(0, 1))
        self._sums += sums
        if self._second is not None:
            if self._origin is None:
                self._origin = (sums[0] / len(values)).to(values.dtype)
            _add_products(self._second, values - self._origin)
        self._count += len(values)

    @property
    def count(self) -> int:
        """How many samples went in."""
        return self._count

    @property
    def mean(self) -> np.ndarray:
        return (self._sums[0] / self._count).numpy()

    @property
    def mean_square(self) -> np.ndarray:
        return (self._sums[1] / self._count).numpy()

    def min_max(self, symmetric: bool) -> tuple[np.ndarray, np.ndarray]:
        """Return low and high of each channel, (channels,) float64.

        See ``RangeObserver.min_max``.

        Raises:
            PointwiseError: no channel has any range.
        """
        low, high = (
            np.repeat(limit, self.channels // self.range.channels) for limit in self.range.min_max(symmetric)
        )
        if not np.any(high > low):
            raise PointwiseError(
                f"The range of {self.name} is zero: it is always {low[0]:.3g} on the calibration images, so "
                "there is nothing to choose a scale by; use other images or other weights."
            )
        return low, high

    def largest(self) -> np.ndarray:
        """Return the largest magnitude of each channel, (channels,) float64.

        A channel that is (almost) always zero counts as a 4096th of the largest, so that a scale can divide
        by it.
        """
        high = self.min_max(symmetric=True)[1]
        return np.maximum(high, high.max() / 4096)

    def moments(self, scale: np.ndarray | float, centre: np.ndarray | float = 0.0) -> Moments:
        """Return the moments of (value − centre) / scale, what a convolution takes in.

        Args:
            scale, centre: (channels,) or one for all.
        """
        scale = np.broadcast_to(scale, self.channels)
        centre = np.broadcast_to(centre, self.channels)
        mean, power = self.mean - centre, self.mean_square - 2 * centre * self.mean + centre**2
        second = None
        if self._second is not None and self._origin is not None:
            away = self._origin.double().numpy()
            products = self._second.triu() + self._second.triu(1).T
            covariance = products.numpy() / self._count - np.outer(self.mean - away, self.mean - away)
            second = (covariance + np.outer(mean, mean)) / np.outer(scale, scale)
        return Moments(mean / scale, power / scale**2, second)


def _sum(values: Tensor) -> Tensor:
    """Of (samples, channels) over the samples, (channels,) float64; of a few of them in float32."""
    whole = len(values) - len(values) % TOGETHER
    few = values[:whole].unflatten(0, (-1, TOGETHER)).sum(dim=1)
    return few.sum(dim=0, dtype=torch.float64) + values[whole:].sum(dim=0, dtype=torch.float64)


def _add_products(total: Tensor, values: Tensor) -> None:
    """Add the products of any two channels of (samples, channels) to a triangle of (channels, channels).

    It is the upper one; below the diagonal is what strips of it give beside it.
    """
    for start in range(0, values.shape[1], STRIP):
        strip = values[:, start : start + STRIP]
        total[start : start + STRIP, start:] += strip.T @ values[:, start:]


class AttentionSample:
    """Queries (images, heads, rows, d), keys and values (images, heads, T, d) of one attention, float32."""

    def __init__(self) -> None:
        self._parts: list[tuple[np.ndarray, ...]] = []

    def add(self, q: Tensor, k: Tensor, v: Tensor) -> None:
        """Keep a copy of the queries, keys and values of some images."""
        self._parts.append(tuple(part.float().numpy().copy() for part in (q, k, v)))

    @property
    def q(self) -> np.ndarray:
        return self._part(0)

    @property
    def k(self) -> np.ndarray:
        return self._part(1)

    @property
    def v(self) -> np.ndarray:
        return self._part(2)

    def _part(self, index: int) -> np.ndarray:
        return np.concatenate([parts[index] for parts in self._parts])


@dataclass
class Statistics:
    """All records of one network.

    Attributes:
        records: by name, see ``pointwise.model.quantise.calibrate``.
        grids: the distinct values of the pixels of each colour, sorted; None where they are too many.
        attention: queries, keys and values of some images by name of the attention.
        hidden: histograms of each channel in front of an activation, by its name, of some of the tokens.
        reach: smallest and largest value of the same channels, of all tokens.
        windows: of what lies under the kernels of convolutions, by their names.
        images: how many images were seen.
    """

    records: dict[str, TensorObserver] = field(default_factory=dict)
    grids: list[np.ndarray | None] = field(default_factory=list)
    attention: dict[str, "AttentionSample"] = field(default_factory=dict)
    hidden: dict[str, ChannelHistogram] = field(default_factory=dict)
    reach: dict[str, MinMax] = field(default_factory=dict)
    windows: dict[str, WindowRecord] = field(default_factory=dict)
    images: int = 0

    def __repr__(self) -> str:
        return f"Statistics(of {self.images} images, {len(self.records)} tensors)"

    def margin(self, part: float) -> float:
        """By which part ranges are widened, where ``part`` is right for 32 images: less after more."""
        return part * min(1.0, math.sqrt(FEW_IMAGES / max(1, self.images)))

    def __getitem__(self, name: str) -> TensorObserver:
        return self.records[name]
