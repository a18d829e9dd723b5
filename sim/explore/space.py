"""The space of cores and bits that is searched, and what a point of it means."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass

from pointwise.hw.contract.config import CoreConfig
from pointwise.hw.contract.errors import PointwiseError
from pointwise.model.quantise import Recipe

WITHOUT_WEIGHTS = ("norm", "norm1", "norm2", "s", "o", "image")
"""Ends of the names of layers, of a recipe, that have no weights."""
LANES = "lanes"
"""The parameter that halves the epilogue."""

Point = Mapping[str, int]
"""A value for each parameter."""


@dataclass(frozen=True)
class Space:
    """Values of each parameter.

    Attributes:
        base: the core that is changed. core: values by the name of a field of ``CoreConfig``.
        halvings: how often the lanes of the epilogue are halved, from the most that fit.
        bits: of the weights of a layer. layers: names of a recipe's layers with weights.
    """

    base: CoreConfig
    core: Mapping[str, tuple[int, ...]]
    halvings: tuple[int, ...]
    bits: tuple[int, ...]
    layers: tuple[str, ...]

    def __post_init__(self) -> None:
        for name, values in self.choices().items():
            if not values:
                raise PointwiseError(f"{name} has no value to choose from; give one or several")
        bad = [bits for bits in self.bits if bits not in (2, 4, 8)]
        if bad:
            raise PointwiseError(f"weights of {bad[0]} bits were asked for, but they are packed in 8, 4 or 2")

    def choices(self) -> dict[str, tuple[int, ...]]:
        """The values of every parameter, by its name."""
        return {
            **self.core,
            LANES: self.halvings,
            **{f"bits {layer}": self.bits for layer in self.layers},
        }

    def config(self, point: Point) -> CoreConfig:
        """The core of a point; raises PointwiseError where there is none."""
        changes = {name: point[name] for name in self.core}
        core = dataclasses.replace(self.base, **changes, post_lanes=0)
        lanes = max(1, core.post_lanes >> point[LANES])
        return dataclasses.replace(core, post_lanes=lanes)

    def recipe(self, point: Point) -> Recipe:
        """How the network of a point is quantised."""
        return Recipe(layers=tuple((layer, {"weight_bits": point[f"bits {layer}"]}) for layer in self.layers))


def weighted(names: list[str]) -> tuple[str, ...]:
    """Those of a recipe's layers that have weights."""
    return tuple(name for name in names if name.rpartition(".")[2] not in WITHOUT_WEIGHTS)
