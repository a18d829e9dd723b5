"""Any graph of real numbers, with the arrangement that makes its rows of an input."""

from typing import Any

import numpy as np

from pointwise.model.graph import Graph
from pointwise.model.graph.arrangement import Arrangement
from pointwise.model.quantise.recipe import Recipe
from pointwise.model.quantise.statistics import Statistics
from pointwise.model.quantise.trained import TrainedQuantisation

from .network import FloatNetwork


class GraphNetwork(FloatNetwork):
    """A network that is known by its graph alone.

    Args:
        graph: of real numbers.
        arrangement: how inputs become its rows; they are rows already unless given.
        fixed: what was quantised before, and stays as it is.
    """

    def __init__(
        self,
        graph: Graph,
        arrangement: Arrangement | None = None,
        fixed: TrainedQuantisation | None = None,
    ) -> None:
        graph.check()
        self.fixed = fixed
        self.name, self._graph = graph.name, graph
        self.arrangement = arrangement or Arrangement.of_rows(*graph.input.shape)

    @property
    def graph(self) -> Graph:
        return self._graph

    def with_graph(self, graph: Graph) -> "GraphNetwork":
        return GraphNetwork(graph, self.arrangement, self.fixed)

    def convert(
        self, statistics: Statistics, recipe: Recipe, trained: TrainedQuantisation | None = None
    ) -> Graph:
        return super().convert(statistics, recipe, trained or self.fixed)

    @property
    def input_shape(self) -> tuple[int, ...]:
        return self.arrangement.shape

    def rows(self, inputs: np.ndarray) -> np.ndarray:
        return self.arrangement.rows(inputs)

    @property
    def input_info(self) -> dict[str, Any]:
        return {"arrangement": self.arrangement.to_dict()}
