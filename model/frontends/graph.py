"""Any graph of real numbers, with the arrangement that makes its rows of an input."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from pointwise.hw.contract.errors import PointwiseError
from pointwise.model.graph import Graph, run_float
from pointwise.model.graph.arrangement import Arrangement
from pointwise.model.quantise.calibrate import calibrate
from pointwise.model.quantise.convert import convert, layer_names
from pointwise.model.quantise.recipe import Recipe
from pointwise.model.quantise.records import Observations

from .network import FloatNetwork


class GraphNetwork(FloatNetwork):
    """A network that is known by its graph alone.

    Args:
        graph: of real numbers.
        arrangement: how inputs become its rows; they are rows already unless given.
    """

    def __init__(self, graph: Graph, arrangement: Arrangement | None = None) -> None:
        graph.check()
        self.name, self._graph = graph.name, graph
        self.arrangement = arrangement or Arrangement.of_rows(*graph.input.shape)

    @property
    def graph(self) -> Graph:
        return self._graph

    @property
    def input_shape(self) -> tuple[int, ...]:
        return self.arrangement.shape

    def check_inputs(self, inputs: np.ndarray | Tensor, purpose: str) -> Tensor:
        found, wanted = torch.as_tensor(inputs), self.input_shape
        if tuple(found.shape[1:]) != wanted or not len(found):
            raise PointwiseError(
                f"The {purpose} inputs have the shape {tuple(found.shape)}, but {self.name} takes at least "
                f"one as (inputs, {', '.join(map(str, wanted))}); choose inputs of that size."
            )
        found = found.to(torch.float32)
        if not bool(torch.isfinite(found).all()):
            raise PointwiseError(
                f"The {purpose} inputs hold values that are not finite; normalise them to ordinary numbers."
            )
        return found

    def results(self, inputs: Tensor) -> np.ndarray:
        rows = torch.from_numpy(self.arrangement.rows(inputs.numpy())).to(torch.float32)
        with torch.inference_mode():
            made = run_float(self.graph, rows, {self.graph.output})[self.graph.output]
        return made.flatten(1).double().numpy()

    def calibrate(
        self,
        inputs: np.ndarray | Tensor,
        recipe: Recipe,
        batch: int = 16,
        progress: Callable[[int, int], None] | None = None,
    ) -> Observations:
        checked = self.check_inputs(inputs, "calibration")
        recipe.check_names(layer_names(self.graph))
        return calibrate(self.graph, checked, recipe, batch, progress, self.arrangement.rows)

    def convert(self, seen: Observations, recipe: Recipe) -> Graph:
        info = {
            **self.graph.info,
            "recipe": recipe.to_dict(),
            "calibration_images": seen.images,
            "arrangement": self.arrangement.to_dict(),
        }
        return replace(convert(self.graph, seen, recipe), info=info)
