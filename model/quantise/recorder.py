"""Filling the records of calibration: what is kept of each kind of value, whoever runs the float network."""

from collections.abc import Collection

import numpy as np
from torch import Tensor
from torch.nn.functional import layer_norm

from .ranges import RangeObserver, range_method
from .ranges.histogram import ChannelHistogram
from .ranges.minmax import MinMax
from .recipe import Recipe
from .statistics import Statistics, TensorObserver

GRID_SIZE = 256
"""Pixels that came from 8-bit files take at most that many values in each colour."""
HIDDEN_BINS = 512
"""Bins of the histogram of each channel in front of an activation."""
HIDDEN_TOKENS = 1024
"""About how many tokens of a batch go into it; the range is that of all."""
SAMPLE_TOKENS = 8192
"""About how many tokens' keys are kept of each attention, from images spread over all of them."""
SAMPLE_ROWS = 32
"""Queries that are kept of each sampled image, the class token's among them."""


class Recorder:
    """Gives values to the records that they belong to, each made when it is met first.

    Attributes:
        statistics: filled. recipe: tells range methods, granularity, and whose rounding wants second moments.
    """

    def __init__(self, statistics: Statistics, recipe: Recipe) -> None:
        self.statistics, self.recipe = statistics, recipe

    def record(
        self,
        name: str,
        values: Tensor,
        method: type[RangeObserver] = MinMax,
        groups: int | None = None,
        readers: Collection[str] = (),
    ) -> None:
        """Give (samples, channels) to the record of that name.

        Args:
            groups: equal parts of the channels with a range of their own; every channel unless given.
            readers: layers whose weights are rounded by the second moments.
        """
        if name not in self.statistics.records:
            channels = values.shape[1]
            second = any(self.recipe[reader].rounding != "nearest" for reader in readers)
            self.statistics.records[name] = TensorObserver(name, method(groups or channels), channels, second)
        self.statistics.records[name].update(values)

    def method(self, layer: str) -> type[RangeObserver]:
        """The range method of that layer."""
        return range_method(self.recipe[layer].range)

    def part(self, name: str, values: Tensor, layer: str, heads: int, readers: Collection[str] = ()) -> None:
        """Record a part of an attention of so many heads, whose recipe says what shares a range."""
        groups = {"tensor": 1, "head": heads, "channel": None}[self.recipe[layer].granularity]
        self.record(name, values, self.method(layer), groups, readers)

    def grid(self, index: int, values: np.ndarray) -> None:
        """Add to the distinct values of a group of the input's channels, as long as they are few."""
        grid = self.statistics.grids[index]
        if grid is not None:
            grid = np.union1d(grid, values)
            self.statistics.grids[index] = grid if len(grid) <= GRID_SIZE else None

    def norm(self, name: str, x: Tensor, epsilon: float, layer: str, readers: Collection[str]) -> None:
        """Record x̂ of tokens (images, tokens, channels), in float64, in front of γ and β."""
        normed = layer_norm(x, x.shape[-1:], eps=epsilon)
        self.record(name, normed.flatten(0, 1).float(), self.method(layer), None, readers)

    def activation(
        self, name: str, given: Tensor, made: Tensor, layer: str, readers: Collection[str]
    ) -> None:
        """Record input and result (images, tokens, channels) of a function of one number."""
        self.record(f"{name}.input", given.reshape(-1, 1), self.method(layer))
        self.record(name, made.flatten(0, 1), groups=1, readers=readers)
        values = given.flatten(0, 1)
        channels = values.shape[1]
        self.statistics.reach.setdefault(name, MinMax(channels)).update(values)
        histogram = self.statistics.hidden.setdefault(name, ChannelHistogram(channels, HIDDEN_BINS))
        histogram.update(values[:: -(-len(values) // HIDDEN_TOKENS)])


def sample_every(images: int, tokens: int) -> int:
    """Of every how many of so many images, of so many tokens, queries and keys are kept."""
    return -(-images * tokens // SAMPLE_TOKENS)


def sampled_rows(tokens: int) -> np.ndarray:
    """Which of a sampled image's queries are kept, the first among them."""
    return np.unique(np.linspace(0, tokens - 1, min(tokens, SAMPLE_ROWS)).astype(np.int64))
