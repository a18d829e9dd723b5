"""Any graph of real numbers, with the arrangement that makes its rows of an input."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from pointwise.model.graph import Graph
from pointwise.model.graph.arrangement import Arrangement
from pointwise.model.quantise.recipe import Recipe
from pointwise.model.quantise.statistics import Statistics
from pointwise.model.quantise.taken import INFO, Given, GivenWeights, noted
from pointwise.model.quantise.trained import TrainedQuantisation

from .network import FloatNetwork


class GraphNetwork(FloatNetwork):
    """A network that is known by its graph alone.

    Args:
        graph: of real numbers.
        arrangement: how inputs become its rows; they are rows already unless given.
        fixed: what was quantised before, and stays as it is.
        given, weights: all values and weights that were rounded before; what becomes of them ``info`` of the
            integers tells.
    """

    def __init__(
        self,
        graph: Graph,
        arrangement: Arrangement | None = None,
        fixed: TrainedQuantisation | None = None,
        given: Sequence[Given] = (),
        weights: Sequence[GivenWeights] = (),
    ) -> None:
        graph.check()
        self.fixed, self.given, self.weights = fixed, tuple(given), tuple(weights)
        self.name, self._graph = graph.name, graph
        self.arrangement = arrangement or Arrangement.of_rows(*graph.input.shape)

    @property
    def graph(self) -> Graph:
        return self._graph

    def with_graph(self, graph: Graph) -> "GraphNetwork":
        return GraphNetwork(graph, self.arrangement, self.fixed, self.given, self.weights)

    def convert(
        self,
        statistics: Statistics,
        recipe: Recipe,
        trained: TrainedQuantisation | None = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> Graph:
        made = super().convert(statistics, recipe, trained or self.fixed, progress)
        if trained or not self.fixed or not (self.given or self.weights):
            return made
        told = noted(made, self.given, self.fixed.activations, self.weights)
        return replace(made, info=made.info | {INFO: told})

    @property
    def input_shape(self) -> tuple[int, ...]:
        return self.arrangement.shape

    def rows(self, inputs: np.ndarray) -> np.ndarray:
        return self.arrangement.rows(inputs)

    @property
    def input_info(self) -> dict[str, Any]:
        return {"arrangement": self.arrangement.to_dict()}
