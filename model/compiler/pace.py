"""About how long an order of steps takes: array and DMA at work side by side, each in its own order.

It is quick, so that many ways can be compared; ``model.estimate`` follows what becomes of one."""

from collections.abc import Sequence

from pointwise.hw.contract.config import CoreConfig
from pointwise.hw.contract.stream import stream_bytes
from pointwise.hw.contract.timing import CONV_QUEUE, Timing

from .analysis import Analysis
from .convs import token_cycles, unplaced
from .lowering import Graph

_WORD = 1.2
"""Cycles in which a word is moved: now and then its bank is taken."""
_MOVE = 70
"""Cycles of a LOAD or STORE besides: the memory's latency, and what it waits for."""


class Pace:
    """Cycles of orders of one network on a core."""

    def __init__(self, analysis: Analysis, config: CoreConfig) -> None:
        self.each = [token_cycles(node, config) for node in analysis.nodes]
        """Cycles of a token of each operation."""
        convs = [unplaced(node, config) for node in analysis.nodes]
        self._streams = [stream_bytes(conv, config) // config.bus_bytes for conv in convs]
        self._least, timing = config.rows, Timing(config)
        self._drain = timing.to_epilogue + timing.done

    def cycles(self, graph: Graph, order: Sequence[int]) -> float:
        """About how many the steps take in this order."""
        array = dma = 0.0
        done: dict[int, float] = {}
        begun: list[float] = [0.0] * (CONV_QUEUE + 1)
        for index in order:
            step = graph.steps[index]
            if step.node is None:
                ready = max((done[other] for other in step.after), default=0.0)
                # The program is read up to so many convolutions ahead.
                dma = max(dma, ready, begun[-CONV_QUEUE - 1])
                dma += _WORD * graph.buffers[step.output.buffer].words + _MOVE
                done[index] = dma
                continue
            begun.append(max(array, max((done[other] for other in step.flow), default=0.0)))
            streamed = max(step.count, self._least) * self.each[step.node_index]
            array = begun[-1] + max(streamed, self._streams[step.node_index])
            done[index] = array + self._drain
        return max(array, dma)
