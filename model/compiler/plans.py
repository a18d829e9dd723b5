"""Plans of one network for many cores: those that differ in what planning does not look at share one."""

from collections.abc import Mapping

from pointwise.hw.contract.config import CoreConfig
from pointwise.hw.contract.errors import PointwiseError
from pointwise.model.graph import Graph

from .analysis import Analysis, analyse
from .memory_sizing import plan
from .planning import Plan

_SEEN = ("rows", "cols", "max_tokens", "act_kib", "act_banks", "res_kib")
"""Parameters that decide a plan; the bus and the epilogue do not."""


def decisive(config: CoreConfig) -> tuple[int, ...]:
    """What cores have in common whose plans are the same."""
    return tuple(getattr(config, name) for name in _SEEN)


class Plans:
    """Plans of a network, each made once."""

    def __init__(self, network: Graph) -> None:
        self.network = network
        self._known: dict[tuple[int, ...], tuple[Analysis, Plan] | PointwiseError] = {}

    def __getitem__(self, config: CoreConfig) -> tuple[Analysis, Plan]:
        """Tensors and operations on a core, with their order and places.

        Raises:
            PointwiseError: the network does not fit; the sentence says what to do.
        """
        key = decisive(config)
        if key not in self._known:
            try:
                analysis = analyse(self.network, config)
                self._known[key] = analysis, plan(self.network, analysis, config)
            except PointwiseError as error:
                self._known[key] = error
        found = self._known[key]
        if isinstance(found, PointwiseError):
            raise found
        return found


Planned = Plans | Mapping[CoreConfig, tuple[Analysis, Plan]]
"""Plans of a network by core."""
