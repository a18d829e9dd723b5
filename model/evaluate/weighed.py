"""What the recipe buys on inputs that nobody calibrated on, beside plain choices: searches may fit too well.

Scales that are searched and weights that are rounded by what calibration saw can lose on other inputs what
they gain on those. Both are measured on inputs that were held out, and the better one is kept.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from pointwise.model.frontends import FloatNetwork
from pointwise.model.graph import Graph
from pointwise.model.quantise.recipe import LayerConfig, Recipe
from pointwise.model.quantise.statistics import Statistics

from .arrays import evaluate

PLAIN = Recipe(
    LayerConfig(search=False, factors="range", equalise=False, rounding="nearest", bias_correction="none")
)
"""What anybody would do: scales by the ranges that were seen, each weight to its nearest integer."""
ENOUGH = 16
"""Calibration inputs from which on some are held out: fewer are wanted for the ranges."""
SHARE, MOST = 8, 8
"""One of so many is held out, and no more than so many in all."""


@dataclass(frozen=True)
class Weighed:
    """A network that was weighed against plain choices.

    Attributes:
        network: the better one. kept_db: signal to quantisation noise of the results with the recipe, on the
            inputs that were held out. plain_db: with ``PLAIN``.
    """

    network: Graph
    kept_db: float
    plain_db: float

    @property
    def plain(self) -> bool:
        """Whether plain choices are better."""
        return self.plain_db > self.kept_db


def held_out(inputs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Inputs (B, …) to calibrate on, and those held out, spread evenly; none of fewer than ``ENOUGH``."""
    if len(inputs) < ENOUGH:
        return inputs, inputs[:0]
    count = min(MOST, len(inputs) // SHARE)
    chosen = np.zeros(len(inputs), bool)
    chosen[np.linspace(0, len(inputs) - 1, count).round().astype(int)] = True
    return inputs[~chosen], inputs[chosen]


def weighed(
    source: FloatNetwork,
    statistics: Statistics,
    recipe: Recipe,
    inputs: np.ndarray,
    progress: Callable[[int, int], None] | None = None,
) -> Weighed:
    """Convert by the recipe and by ``PLAIN``, and keep what is better on inputs that nobody calibrated on.

    Args:
        source: the network. statistics: of its calibration. recipe: that it was calibrated for.
        inputs: (B, …), at least one. progress: called with (operators done, operators in all).

    Raises:
        PointwiseError: as ``FloatNetwork.convert`` and ``evaluate``.
    """
    made = source.convert(statistics, recipe, progress=progress)
    plain = source.convert(statistics, PLAIN)
    kept_db, plain_db = (evaluate(network, source, inputs).sqnr_db for network in (made, plain))
    found = Weighed(made, kept_db, plain_db)
    return replace(found, network=plain) if found.plain else found
