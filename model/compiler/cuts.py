"""What slices make of a network, whatever the sizes of the memories: kept, as planning asks for it again."""

from functools import cached_property

from pointwise.hw.contract.config import CoreConfig
from pointwise.hw.contract.isa import Space

from .analysis import Analysis, Key
from .lowering import Graph, lower
from .schedule import demand_order
from .spilling import least_room


class Cut:
    """A network that is cut into slices.

    Attributes:
        graph: buffers and steps. order: steps in the order of demand.
    """

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.order = demand_order(graph)

    @cached_property
    def least(self) -> dict[Space, int]:
        """Words of each memory without which not even spilling does, in any order."""
        return least_room(self.graph, self.order)


class Cuts:
    """A network cut in all the ways that were asked for.

    Args:
        analysis: of the network. config: the core; the sizes of its memories do not matter.
    """

    def __init__(self, analysis: Analysis, config: CoreConfig) -> None:
        self._analysis, self._config = analysis, config
        self._known: dict[frozenset[tuple[Key, int]], Cut] = {}

    def __getitem__(self, slices: dict[Key, int]) -> Cut:
        """The network with each tensor in so many slices; one, where it is not named."""
        several = frozenset((key, parts) for key, parts in slices.items() if parts > 1)
        if several not in self._known:
            self._known[several] = Cut(lower(self._analysis, self._config, slices))
        return self._known[several]
