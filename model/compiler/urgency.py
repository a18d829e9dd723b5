"""How long each step streams, and how much is left to do behind it: what an order of few waits is made by."""

from collections.abc import Sequence

from pointwise.hw.contract.config import CoreConfig
from pointwise.hw.contract.stream import PLANES, tiles
from pointwise.hw.contract.timing import Timing
from pointwise.model.engine.op import TokenSums

from .convs import token_cycles
from .lowering import Graph, Step
from .schedule import Clock, maxima_readers


class Urgency:
    """Cycles of the convolutions of one graph on a core, about.

    Args:
        order: a valid one of all steps.

    Attributes:
        behind: for each step, cycles from its start to the end of the longest chain of steps that follows.
    """

    def __init__(self, graph: Graph, order: Sequence[int], config: CoreConfig, slots: int) -> None:
        self._graph, self._config, timing = graph, config, Timing(config)
        self._drains = (timing.to_epilogue + timing.done, timing.to_epilogue + timing.settle)
        self._lasts: dict[tuple[int, int], int] = {}
        readers: dict[int, list[int]] = {}
        for step in graph.steps:
            for other in step.flow:
                readers.setdefault(other, []).append(step.index)
        # Who keeps row maxima waits for the readers of those that had the set before.
        keeping = maxima_readers(graph)
        makers = [index for index in order if index in keeping]
        freed: dict[int, list[int]] = {}
        for before, index in zip(makers, makers[slots:], strict=False):
            for reader in keeping[before]:
                freed.setdefault(reader, []).append(index)
        self.behind: dict[int, int] = {}
        for index in reversed(order):
            step = graph.steps[index]
            drained = self.drain(step) + max((self.behind[i] for i in readers.get(index, ())), default=0)
            other = max((self.behind.get(i, 0) for i in freed.get(index, ())), default=0)
            self.behind[index] = self.lasts(step) + max(drained, other)

    def cycles(self, order: Sequence[int]) -> int:
        """About how many the convolutions of a graph take in this order."""
        clock = Clock(self._graph, self)
        for index in order:
            clock.take(index)
        return clock.now

    def lasts(self, step: Step) -> int:
        """Cycles in which the step streams, or waits for its weights; 0 of a LOAD or STORE."""
        if step.node is None:
            return 0
        key = (step.node_index, step.count)
        if key not in self._lasts:
            n_tiles = tiles(step.node.n, self._config.cols)
            cycles = token_cycles(step.node, self._config)
            loading = (self._config.rows + 1) * cycles + PLANES * n_tiles
            self._lasts[key] = max(step.count * cycles, loading)
        return self._lasts[key]

    def drain(self, step: Step) -> int:
        """Cycles from the last token of the step to the first that reads its result; 0 of a LOAD or STORE."""
        if step.node is None:
            return 0
        return self._drains[step.node.op.stage(TokenSums) is not None]
