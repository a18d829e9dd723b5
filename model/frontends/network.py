"""``FloatNetwork``: a network of real numbers, with what it takes in as people have it."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from pointwise.hw.contract.errors import PointwiseError
from pointwise.model.graph import Graph, run_float
from pointwise.model.quantise.calibrate import calibrate
from pointwise.model.quantise.convert import convert, layer_names
from pointwise.model.quantise.recipe import Recipe
from pointwise.model.quantise.statistics import Statistics
from pointwise.model.quantise.trained import TrainedQuantisation


class FloatNetwork(ABC):
    """A network of real numbers.

    Attributes:
        name: for reports and file names.
        fixed: what was quantised before, and stays as it is; None where nothing was.
    """

    name: str
    fixed: TrainedQuantisation | None = None

    def __repr__(self) -> str:
        shape = "×".join(map(str, self.input_shape))
        return f"{type(self).__name__}({self.name!r}, inputs of {shape}, {len(self.graph)} operators)"

    @property
    @abstractmethod
    def graph(self) -> Graph:
        """Its operators, with real weights; what enters them are rows of channels."""

    @property
    def input_groups(self) -> int:
        """Equal parts of the rows' channels with a scale of their own, such as colours."""
        return 1

    @property
    @abstractmethod
    def input_shape(self) -> tuple[int, ...]:
        """Of one input as people have it, such as (colours, height, width)."""

    @abstractmethod
    def rows(self, inputs: np.ndarray) -> np.ndarray:
        """What the graph takes in, (B, tokens, channels) float64, of inputs (B, *input_shape).

        Every number of a row is one of the input, or 0.
        """

    @property
    @abstractmethod
    def input_info(self) -> dict[str, Any]:
        """What the ``info`` of integers has of how inputs become rows (``model.quantise.inputs``)."""

    @abstractmethod
    def with_graph(self, graph: Graph) -> "FloatNetwork":
        """The same network with other operators, or other weights in them."""

    def check_inputs(self, inputs: np.ndarray | Tensor, purpose: str) -> Tensor:
        """Inputs (B, *input_shape) as float32.

        Args:
            purpose: what they are for ("calibration", "evaluation"), for the message.

        Raises:
            PointwiseError: they are none, of another shape, or not finite.
        """
        found, wanted = torch.as_tensor(inputs), self.input_shape
        what = "images" if len(wanted) == 3 else "inputs"
        if tuple(found.shape[1:]) != wanted or not len(found):
            raise PointwiseError(
                f"The {purpose} {what} have the shape {tuple(found.shape)}, but {self.name} takes at least "
                f"one as ({what}, {', '.join(map(str, wanted))}); choose {what} of that size."
            )
        found = found.to(torch.float32)
        if not bool(torch.isfinite(found).all()):
            raise PointwiseError(
                f"The {purpose} {what} hold values that are not finite; normalise them to ordinary numbers."
            )
        return found

    def results(self, inputs: Tensor) -> np.ndarray:
        """What the network makes of inputs (B, *input_shape): (B, results) float64, its tokens in a row."""
        rows = torch.from_numpy(self.rows(inputs.numpy())).to(torch.float32)
        with torch.inference_mode():
            made = run_float(self.graph, rows, {self.graph.output})[self.graph.output]
        return made.flatten(1).double().numpy()

    def calibrate(
        self,
        inputs: np.ndarray | Tensor,
        recipe: Recipe,
        batch: int = 16,
        progress: Callable[[int, int], None] | None = None,
    ) -> Statistics:
        """Run it on inputs (B, *input_shape) and record what the quantiser wants to know.

        Args:
            recipe: tells range methods, granularity, and whose rounding wants second moments.
            batch: inputs at a time. progress: called with (inputs done, inputs in all).

        Raises:
            PointwiseError: the inputs do not fit, a value is not finite, the recipe names a layer that is not
                there, or the graph has a form that the quantiser does not know.
        """
        checked = self.check_inputs(inputs, "calibration")
        recipe.check_names(layer_names(self.graph))
        return calibrate(self.graph, checked, recipe, batch, progress, self.rows, self.input_groups)

    def convert(
        self,
        statistics: Statistics,
        recipe: Recipe,
        trained: TrainedQuantisation | None = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> Graph:
        """The network of integers, whose ``info`` says how inputs become its rows.

        Args:
            statistics: of ``calibrate`` with a recipe of the same range methods and granularity.
            trained: what training has fixed already (``pointwise.model.qat``).
            progress: called with (operators done, operators in all).

        Raises:
            PointwiseError: an operator stands where it cannot be quantised, a range is zero, or a factor does
                not fit the hardware.
        """
        made = convert(replace(self.graph, name=self.name), statistics, recipe, trained, progress)
        told = {"recipe": recipe.to_dict(), "calibration_images": statistics.images}
        return replace(made, info={**made.info, **told, **self.input_info})

    def quantise(
        self,
        inputs: np.ndarray | Tensor,
        recipe: Recipe | None = None,
        batch: int = 16,
        trained: TrainedQuantisation | None = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> Graph:
        """Calibrate on inputs (B, *input_shape), about 100, and convert; arguments and errors are theirs."""
        recipe = recipe or Recipe()
        return self.convert(self.calibrate(inputs, recipe, batch, progress), recipe, trained)
