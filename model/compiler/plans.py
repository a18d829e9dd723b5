"""Plans of one network for many cores: what they have in common is found out once."""

from pointwise.hw.contract.config import CoreConfig
from pointwise.hw.contract.errors import PointwiseError
from pointwise.model.graph import Graph

from .analysis import Analysis
from .planning import Plan
from .room import Room

_SHAPE = ("rows", "cols", "max_tokens")
_SEEN = (*_SHAPE, "act_kib", "act_banks", "res_kib")
"""Parameters that decide a plan; the bus and the epilogue do not."""


def decisive(config: CoreConfig) -> tuple[int, ...]:
    """What cores have in common whose plans are the same."""
    return tuple(getattr(config, name) for name in _SEEN)


class Plans:
    """Plans of a network, each made once."""

    def __init__(self, network: Graph) -> None:
        self.network = network
        self._rooms: dict[tuple[int, ...], Room] = {}
        self._known: dict[tuple[int, ...], Plan | PointwiseError] = {}

    def __getitem__(self, config: CoreConfig) -> tuple[Analysis, Plan]:
        """Tensors and operations on a core, with their order and places.

        Raises:
            PointwiseError: the network does not fit; the sentence says what to do.
        """
        room, key = self.room(config), decisive(config)
        if key not in self._known:
            try:
                self._known[key] = room.plan(config)
            except PointwiseError as error:
                self._known[key] = error
        found = self._known[key]
        if isinstance(found, PointwiseError):
            raise found
        return room.analysis, found

    def room(self, config: CoreConfig) -> Room:
        """Of all cores that differ from this one in what ``Room`` says.

        Raises:
            PointwiseError: as ``Room``.
        """
        shape = tuple(getattr(config, name) for name in _SHAPE)
        if shape not in self._rooms:
            self._rooms[shape] = Room(self.network, config)
        return self._rooms[shape]
