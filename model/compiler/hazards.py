"""Which earlier instructions an instruction has to wait for: one tracker for every kind of memory and slot.

Convolutions are a pipeline in program order, DMA is a queue in program order beside it, and nothing else
keeps them apart but the counts of completed convolutions and DMA instructions that an instruction waits
for. A convolution reads its operands when it starts, and its epilogue reads and writes until it completes.
Of convolutions after each other

* a read of what an earlier one wrote has to wait (the read overtakes the write in the pipeline);
* a write over what an earlier one reads or writes is safe: streams and epilogues pass in order;
* but what is written at the start (the reciprocals of softmax) may overtake an earlier epilogue: it waits.

Between the two queues every order has to be asked for.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Region:
    """Places of a resource: words of a memory, tokens of LayerNorm statistics, slots of maxima or sums."""

    resource: str
    places: np.ndarray | slice


@dataclass(frozen=True)
class Waits:
    """Counts of completed instructions: before the start (conv, dma) and before the epilogue (post_dma)."""

    conv: int = 0
    dma: int = 0
    post_dma: int = 0


class HazardTracker:
    """Follows a program and tells the waits of each instruction as it is added.

    Args:
        sizes: places of each resource.
    """

    def __init__(self, sizes: dict[str, int]) -> None:
        # For each place: number (from 1) of the last convolution and the last DMA that wrote or read it.
        self._last = {name: np.zeros((4, size), np.int32) for name, size in sizes.items()}
        self.convs = 0
        self.dmas = 0

    def conv(
        self,
        reads: Iterable[Region] = (),
        late_reads: Iterable[Region] = (),
        early_writes: Iterable[Region] = (),
        writes: Iterable[Region] = (),
    ) -> Waits:
        """Add a convolution.

        Args:
            reads: operands, read from its start. late_reads: what its epilogue reads.
            early_writes: what it writes from its start. writes: what its epilogue writes.
        """
        reads, late_reads = list(reads), list(late_reads)
        early_writes, writes = list(early_writes), list(writes)
        conv = max(
            self._find(_CONV_WROTE, [*reads, *late_reads, *early_writes]),
            self._find(_CONV_READ, early_writes),
        )
        dma = max(self._find(_DMA_WROTE, [*reads, *early_writes]), self._find(_DMA_READ, early_writes))
        post = max(self._find(_DMA_WROTE, [*late_reads, *writes]), self._find(_DMA_READ, writes))
        self.convs += 1
        self._note(_CONV_READ, [*reads, *late_reads], self.convs)
        self._note(_CONV_WROTE, [*early_writes, *writes], self.convs)
        # Whoever waits for this write waits for the DMA before it too.
        self._note(_DMA_READ, writes, 0)
        self._note(_DMA_WROTE, writes, 0)
        return Waits(conv, dma, post if post > dma else 0)

    def dma(self, reads: Iterable[Region] = (), writes: Iterable[Region] = ()) -> Waits:
        """Add a LOAD (which writes) or a STORE (which reads)."""
        reads, writes = list(reads), list(writes)
        conv = max(self._find(_CONV_WROTE, [*reads, *writes]), self._find(_CONV_READ, writes))
        dma = max(self._find(_DMA_WROTE, [*reads, *writes]), self._find(_DMA_READ, writes))
        self.dmas += 1
        self._note(_DMA_READ, reads, self.dmas)
        self._note(_DMA_WROTE, writes, self.dmas)
        self._note(_CONV_READ, writes, 0)
        self._note(_CONV_WROTE, writes, 0)
        return Waits(conv, dma)

    def writers(self, region: Region) -> np.ndarray:
        """Number (from 1) of the last convolution that wrote each place, 0 where none has."""
        return self._last[region.resource][_CONV_WROTE, region.places].copy()

    def last_writer(self, regions: Iterable[Region]) -> int:
        """Number (from 1) of the last convolution that wrote any place, 0 where none has."""
        return self._find(_CONV_WROTE, regions)

    def _find(self, kind: int, regions: Iterable[Region]) -> int:
        return max((int(self._last[r.resource][kind, r.places].max()) for r in regions), default=0)

    def _note(self, kind: int, regions: Iterable[Region], number: int) -> None:
        for region in regions:
            self._last[region.resource][kind, region.places] = number


_CONV_WROTE, _CONV_READ, _DMA_WROTE, _DMA_READ = range(4)
