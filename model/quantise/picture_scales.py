"""Scales of pictures, which channels may differ in for nothing.

The requantisation of a product has factors of its own for each channel, and who multiplies a picture by
weights takes its scales into them. What that is used for differs: behind a ReLU most values of a channel are
small and few are large, and which those are the next photograph decides, so that all channels share the scale
of the largest. What no ReLU follows is spread evenly around its mean: there each channel has its own, drawn
towards one for all where the weights that read it would become too unequal.

Where a sum of bytes keeps what it is added to, both have the same ratios from channel to channel.
"""

from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from pointwise.model.graph import Op, Quantisation
from pointwise.model.graph.clamps import CLAMPS
from pointwise.model.graph.ops import Add, Conv2d, Linear, MaxPool
from pointwise.model.integer.rounding import INT8

from .attention_plan import DRAWS
from .norm import rounding_noise
from .score_plan import floored

if TYPE_CHECKING:
    from .plans import Plans

STEPS = INT8[1] - INT8[0]
HEADROOM, FEW = 0.5, 4096
"""By which part other images may leave the range of so many values; of more the less, with the root."""
CLOSE = 1e-6
"""Part by which a step that is given in float32 may miss the one that is meant."""
LEAST_REACH = 0.25
"""Part of the widest channel's range that every channel gets at least, as other images may want it."""


class PictureScales:
    """The scales of a network's pictures.

    Args:
        of: what is decided of the network's other values. sums: of bytes, each with the product made for it.
    """

    def __init__(self, of: "Plans", sums: dict[str, str]) -> None:
        self.of, self.sums = of, sums
        self._ratios: dict[str, np.ndarray] = {}

    def __getitem__(self, name: str) -> Quantisation:
        """Of a picture: one scale behind a ReLU, where −128 stands for 0, else one for each channel."""
        clamp = getattr(self.of.real[name], "clamp", "")
        most = CLAMPS[clamp][1]
        fixed = self.of.trained.activations.get(name)
        if fixed is not None and not clamp:
            return fixed
        if fixed is not None and (most is None or STEPS * fixed.scale <= most * (1 + CLOSE)):
            # A clamp is the end of the range: where that lies elsewhere, the same steps from 0 on.
            return Quantisation(fixed.scale, INT8[0])
        low, high = self._min_max(name)
        step = self.of.trained.steps.get(name)
        if low.min() >= 0:
            if step is not None:
                return Quantisation(step if most is None else min(step, most / STEPS), INT8[0])
            reach = float(floored(high).max()) * self._headroom(name, len(high))
            return Quantisation((reach if most is None else min(reach, most)) / STEPS, INT8[0])
        middle, reach = self._reach(name)
        ratios = self.ratios(name)
        scale = float((reach / ratios).max()) * ratios / INT8[1]
        return Quantisation(scale, 0, middle) if middle.any() else Quantisation(scale)

    def ratios(self, name: str) -> np.ndarray:
        """How the ranges of channels compare, (channels,)."""
        family = self.families[name]
        if family[0] not in self._ratios:
            self._ratios[family[0]] = self._chosen(family)
        return self._ratios[family[0]]

    @cached_property
    def families(self) -> dict[str, tuple[str, ...]]:
        """Values whose ratios are the same: of sums, and of what they are added to, or the largest of it."""
        members: dict[str, list[str]] = {op.name: [op.name] for op in self.of.real.ops}
        for name, new in self.sums.items():
            inputs = self.of.real[name].inputs
            kept = inputs[1] if inputs[0] == new else inputs[0]
            while isinstance(pool := self.of.real[kept], MaxPool):
                kept = pool.inputs[0]
            joined = members[kept]
            for one in members[name]:
                joined.append(one)
                members[one] = joined
        return {name: tuple(family) for name, family in members.items()}

    def _min_max(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        """Least and largest value of each channel, (channels,); where none has any range, of all together.

        Raises:
            PointwiseError: the value is always the same.
        """
        record = self.of.statistics[name]
        low, high = (
            np.repeat(limit, record.channels // len(limit)) for limit in record.range.min_max(symmetric=False)
        )
        if np.any(high > low) or low.min() == high.max():
            return record.min_max(symmetric=False)
        return np.full_like(low, low.min()), np.full_like(high, high.max())

    def _reach(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        """Middle and half of the range of each channel, (channels,); the middle is 0 where it must be."""
        low, high = self._min_max(name)
        middle = (low + high) / 2 if self._movable(name) else np.zeros(len(low))
        reach = np.maximum(high - middle, middle - low)
        reach = np.maximum(floored(reach), LEAST_REACH * reach.max())
        return middle, reach * self._headroom(name)

    def _headroom(self, name: str, channels: int = 1) -> float:
        """How much further than what was seen a range goes that so many channels share."""
        return 1 + HEADROOM * min(1.0, (FEW / (self.of.statistics[name].count * channels)) ** 0.5)

    def _movable(self, name: str) -> bool:
        """Whether the integer 0 may stand for another number than 0: nobody puts zeros around the picture."""
        op = self.of.real[name]
        readers = self.of.real.readers[name]
        return self._shared(op) and all(
            isinstance(reader, Linear) or reader.name in self.sums for reader in readers
        )

    def _shared(self, op: Op) -> bool:
        """Whether channels may differ: a product makes the value, and the recipe lets them."""
        return isinstance(op, Add | Conv2d | Linear) and self.of.recipe[op.layer].granularity == "channel"

    def _chosen(self, family: tuple[str, ...]) -> np.ndarray:
        """Of the ratios between the finest scales and one for all those that add the least noise."""
        ops = [self.of.real[name] for name in family]
        reaches = {name: self._reach(name)[1] for name in family}
        signed = all(self._min_max(name)[0].min() < 0 for name in family)
        if not signed or not all(map(self._shared, ops)):
            return np.ones(len(reaches[family[0]]))
        finest = np.max([reach / reach.max() for reach in reaches.values()], axis=0)
        readers = [(name, *reader) for name in family for reader in self._readers(name)]
        if not readers or not self.of.recipe[ops[0].layer].equalise:
            return finest

        def noise(ratios: np.ndarray) -> float:
            total = 0.0
            for name, weight, remaining in readers:
                record, taps = self.of.statistics[name], weight.shape[1] // len(ratios)
                scale = (reaches[name] / ratios).max() * ratios / INT8[1]
                variance = np.maximum(record.mean_square - record.mean**2, 0)
                power = (weight**2 @ np.repeat(variance, taps)).mean()
                scale, variance = (np.repeat(part, taps) for part in (scale, variance * remaining))
                total += rounding_noise(weight, scale, variance) / max(power, 1e-30)
            return total

        return min((finest ** (1 - draw) for draw in DRAWS), key=noise)

    def _readers(self, name: str) -> Iterator[tuple[np.ndarray, float]]:
        """Weights (N, K · taps) that multiply all channels of a value, and what their rounding leaves."""
        for reader in self.of.real.readers[name]:
            if isinstance(reader, MaxPool):
                yield from self._readers(reader.name)
            elif isinstance(reader, Linear | Conv2d) and getattr(reader, "groups", 1) == 1:
                weight = reader.weight.reshape(len(reader.weight), -1)
                yield weight, self.of.recipe[reader.layer].weight_noise
