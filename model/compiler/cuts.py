"""What slices make of a network, whatever the sizes of the memories: kept, as planning asks for it again."""

from collections.abc import Sequence
from functools import cached_property

from pointwise.hw.contract.config import CoreConfig
from pointwise.hw.contract.isa import Space

from .analysis import Analysis, Key
from .convs import token_cycles
from .lifetimes import items_of, lifetimes
from .lowering import Graph, lower
from .placement import peak
from .schedule import demand_order, layer_order
from .spilling import least_room


def streamed_cycles(graph: Graph, each: Sequence[int]) -> int:
    """Cycles in which tokens are streamed. each: cycles of a token of each operation."""
    return sum(step.count * each[step.node_index] for step in graph.steps if step.node is not None)


class Cut:
    """A network that is cut into slices.

    Args:
        each: cycles of a token of each operation. complete: see ``demand_order``.
        layers: the order is layer by layer instead, see ``layer_order``.

    Attributes:
        graph: buffers and steps. order: steps in a valid order. cycles: in which tokens are streamed.
    """

    def __init__(self, graph: Graph, each: Sequence[int], complete: bool, layers: bool = False) -> None:
        self.graph = graph
        self.cycles = streamed_cycles(graph, each)
        self.order = layer_order(graph) if layers else demand_order(graph, complete)

    @cached_property
    def floor(self) -> dict[Space, int]:
        """Words of each memory that the largest step touches: no order does with less, spilling or not."""
        most = dict.fromkeys(Space, 0)
        for step in self.graph.steps:
            words = dict.fromkeys(Space, 0)
            for buffer in step.touched:
                words[self.graph.buffers[buffer].space] += self.graph.buffers[buffer].words
            most = {space: max(most[space], words[space]) for space in Space}
        return most

    @cached_property
    def least(self) -> dict[Space, int]:
        """Words of each memory without which not even spilling does, in any order."""
        return least_room(self.graph, self.order)

    @cached_property
    def peak(self) -> int:
        """Words of activations that are alive at once at most, in this order."""
        items = items_of(self.graph, lifetimes(self.graph, self.order), Space.ACTIVATION)
        return int(peak(items, len(self.order) + 1).max())


class Cuts:
    """A network cut in all the ways that were asked for.

    Args:
        analysis: of the network. config: the core; the sizes of its memories do not matter.
    """

    def __init__(self, analysis: Analysis, config: CoreConfig) -> None:
        self._analysis, self._config = analysis, config
        self._each = [token_cycles(node, config) for node in analysis.nodes]
        self._known: dict[frozenset[tuple[Key, int]], Cut] = {}

    def __getitem__(self, slices: dict[Key, int]) -> Cut:
        """The network with each tensor in so many slices; one, where it is not named."""
        several = frozenset((key, parts) for key, parts in slices.items() if parts > 1)
        if several not in self._known:
            graph = lower(self._analysis, self._config, slices)
            self._known[several] = Cut(graph, self._each, complete=bool(self._analysis.rows))
        return self._known[several]

    def cycles_of(self, graph: Graph) -> int:
        """Cycles in which the tokens of a network that is cut anyhow are streamed."""
        return streamed_cycles(graph, self._each)

    @property
    def least_cycles(self) -> int:
        """Cycles of the network as a whole, of which nothing is made twice."""
        return self[{}].cycles
