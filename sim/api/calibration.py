"""``calibrate`` and ``quantise``: from a network of real numbers to one of integers."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pointwise.model.evaluate.weighed import Weighed, weighed
from pointwise.model.frontends import FloatNetwork
from pointwise.model.graph import Graph
from pointwise.model.quantise.recipe import Recipe, load_recipe
from pointwise.model.quantise.statistics import Statistics

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor


@dataclass(frozen=True)
class Calibration:
    """A network that was calibrated.

    Attributes:
        source: the network. recipe: how it is to be quantised. statistics: what was recorded of its values.
    """

    source: FloatNetwork
    recipe: Recipe
    statistics: Statistics

    def __repr__(self) -> str:
        return f"Calibration({self.source.name!r}, {self.statistics.images} inputs)"


def calibrate(
    source: FloatNetwork,
    inputs: "np.ndarray | Tensor",
    *,
    recipe: Recipe | str | Path | None = None,
    batch: int = 16,
    progress: Callable[[int, int], None] | None = None,
) -> Calibration:
    """Run a network on inputs and record the ranges of all that becomes an integer.

    Args:
        source: as ``load`` gives it.
        inputs: (B, …) as it takes them, images (B, colours, S, S) normalised; about 100.
        recipe: how each layer is quantised, or the path of a recipe in TOML; the best we know unless given.
        batch: inputs at a time. progress: called with (inputs done, inputs in all).

    Raises:
        PointwiseError: the inputs do not fit the network, a value is not finite, or the recipe cannot be read
            or names a layer that is not there.
    """
    chosen = load_recipe(recipe) if isinstance(recipe, str | Path) else recipe or Recipe()
    return Calibration(source, chosen, source.calibrate(inputs, chosen, batch, progress))


def quantise(calibration: Calibration, *, progress: Callable[[int, int], None] | None = None) -> Graph:
    """Make the integers, by the recipe of the calibration.

    Args:
        progress: called with (operators done, operators in all).

    Returns:
        The network of integers: compile, simulate, evaluate or export it, or ``save`` it in a file.

    Raises:
        PointwiseError: a range is zero, a factor does not fit the hardware, or an operator stands where it
            cannot be quantised.
    """
    return calibration.source.convert(calibration.statistics, calibration.recipe, progress=progress)


def weigh(
    calibration: Calibration,
    inputs: "np.ndarray",
    *,
    progress: Callable[[int, int], None] | None = None,
) -> Weighed:
    """Make the integers by the recipe and by plain choices, and keep what is better on other inputs.

    Plain choices are scales by the ranges that were seen and weights to the nearest integer. What a recipe
    searches may fit the calibration too well; here that would show.

    Args:
        inputs: (B, …), that were not calibrated on; 8 are enough.
        progress: called with (operators done, operators in all).

    Raises:
        PointwiseError: as of ``quantise`` and ``evaluate``.
    """
    return weighed(calibration.source, calibration.statistics, calibration.recipe, inputs, progress)
