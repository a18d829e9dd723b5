"""``FloatNetwork``: a network of real numbers, with all that the way to integers asks of it."""

from abc import ABC, abstractmethod
from collections.abc import Callable

import numpy as np
from torch import Tensor

from pointwise.model.graph import Graph
from pointwise.model.quantise.recipe import Recipe
from pointwise.model.quantise.records import Observations


class FloatNetwork(ABC):
    """A network of real numbers.

    Attributes:
        name: for reports and file names.
    """

    name: str

    def __repr__(self) -> str:
        shape = "×".join(map(str, self.input_shape))
        return f"{type(self).__name__}({self.name!r}, inputs of {shape}, {len(self.graph)} operators)"

    @property
    @abstractmethod
    def graph(self) -> Graph:
        """Its operators, with real weights; what enters them are rows of channels."""

    @property
    @abstractmethod
    def input_shape(self) -> tuple[int, ...]:
        """Of one input as people have it, such as (colours, height, width)."""

    @abstractmethod
    def check_inputs(self, inputs: "np.ndarray | Tensor", purpose: str) -> Tensor:
        """Inputs (B, *input_shape) as float32.

        Args:
            purpose: what they are for ("calibration", "evaluation"), for the message.

        Raises:
            PointwiseError: they are none, of another shape, or not finite.
        """

    @abstractmethod
    def results(self, inputs: Tensor) -> np.ndarray:
        """What the network makes of inputs (B, *input_shape): (B, results) float64, its tokens in a row."""

    @abstractmethod
    def calibrate(
        self,
        inputs: "np.ndarray | Tensor",
        recipe: Recipe,
        batch: int = 16,
        progress: Callable[[int, int], None] | None = None,
    ) -> Observations:
        """Run it on inputs (B, *input_shape) and record what the quantiser wants to know.

        Args:
            recipe: tells range methods, granularity, and whose rounding wants second moments.
            batch: inputs at a time. progress: called with (inputs done, inputs in all).

        Raises:
            PointwiseError: the inputs do not fit, a value is not finite, the recipe names a layer that is not
                there, or the graph has a form that the quantiser does not know.
        """

    @abstractmethod
    def convert(self, seen: Observations, recipe: Recipe) -> Graph:
        """The network of integers, whose ``info["input"]`` says how inputs become its rows.

        Args:
            seen: of ``calibrate`` with a recipe of the same range methods and granularity.

        Raises:
            PointwiseError: an operator stands where it cannot be quantised, a range is zero, or a factor does
                not fit the hardware.
        """
