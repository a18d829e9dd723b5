"""The DMA engine: LOADs beat by beat beside the other readers of the bus, STOREs by
what the banks leave them."""

from collections import deque
from collections.abc import Callable, Iterator
from math import inf

from pointwise.hw.contract.config import CoreConfig
from pointwise.hw.contract.isa import Dma, Space
from pointwise.hw.contract.stream import tiles
from pointwise.hw.contract.timing import DEPEND, DMA_QUEUE, READ_LATENCY, WRITTEN, Timing

from .banks import BankSchedule
from .channel import Channel
from .memory import Bus


class DmaEngine:
    """Follows LOADs and STOREs in order.

    It may lag behind the rest of the model: a LOAD goes on when others come to its time, or when its end is
    asked for.

    Args:
        bus: what the core reads from.
        conv_done: cycle from which so many convolutions are complete, None where that is not known yet.
        reads: of the activation SRAM, by those who go first.

    Attributes:
        channel: the reader of LOADs. taken: cycles in which instructions were taken out of their queue.
    """

    def __init__(
        self, config: CoreConfig, bus: Bus, conv_done: Callable[[int], float | None], reads: BankSchedule
    ) -> None:
        self.config, self.memory, self._reads = config, bus.memory, reads
        timing = Timing(config)
        self.channel = Channel(
            bus, timing.dma_beats, config.axi_burst, config.bus_bytes, config.act_word_bytes
        )
        self.taken: list[float] = []
        self._conv_done = conv_done
        self._done: list[float] = []
        self._rows: list[list[float]] = []  # for each LOAD, when the next streamer may read each of its rows
        self._queue: deque[tuple[Dma, float]] = deque()
        self._work: Iterator[float] | None = None  # of the instruction at work; gives the times of its bursts
        self._next = -inf  # when that goes on
        self._free = 0.0
        self._busy = False
        self._storing = False

    @property
    def waiting(self) -> int:
        """Instructions that have not been taken out of the queue."""
        return len(self._queue)

    @property
    def idle(self) -> bool:
        """Nothing is to be done whose time is known."""
        return self._work is None and not self._startable()

    def has_room(self, *, certain: bool = True) -> bool:
        """Whether one more may be offered; False where it is not known yet when that will be.

        Args:
            certain: a STORE does not go on where others may yet read of the SRAM at that time.
        """
        while self.waiting >= DMA_QUEUE and not self.idle and not (certain and self._uncertain()):
            self._step()
        return self.waiting < DMA_QUEUE

    def _uncertain(self) -> bool:
        return self._storing and self._next >= self._reads.until

    def offer(self, dma: Dma, at: float) -> None:
        """Append an instruction, which the engine may take in cycle ``at``."""
        self._queue.append((dma, at))

    def done(self, count: int) -> float:
        """Cycle from which the first ``count`` instructions count as complete."""
        while len(self._done) < count:
            self._step()
        return self._done[count - 1] if count else 0.0

    def row(self, number: int, row: int) -> float:
        """Cycle from which row ``row`` of instruction ``number`` (a LOAD, from 1) can be read."""
        while len(self._done) < number and (len(self._rows) < number or len(self._rows[number - 1]) <= row):
            self._step()
        rows = self._rows[number - 1]
        return rows[row] if row < len(rows) else self._done[number - 1]

    def last(self) -> float:
        """Cycle from which all instructions count as complete."""
        return self.done(len(self._done) + (self._work is not None) + len(self._queue))

    def advance(self, until: float) -> None:
        """Go on up to a cycle."""
        while not self._busy and not self.idle and self._next <= until and not self._uncertain():
            self._step()

    def _startable(self) -> bool:
        return bool(self._queue) and self._conv_done(self._queue[0][0].wait_conv) is not None

    def _step(self) -> None:
        if self._work is None:
            dma, at = self._queue.popleft()
            ready = self._conv_done(dma.wait_conv)
            if ready is None:
                raise AssertionError("a LOAD or STORE is needed before what it waits for")
            met = max(at, ready, self._done[dma.wait_dma - 1] if dma.wait_dma else 0.0)
            begin = max(self._free, met + DEPEND)
            self.taken.append(begin)
            self._rows.append([])
            self._storing = dma.store
            self._work = self._store(dma, begin) if dma.store else self._load(dma, begin)
            self._next = begin
        self._busy = True
        try:
            self._next = next(self._work)
        except StopIteration as end:
            self._free = end.value + 2
            self._done.append(end.value + 3)
            self._work, self._next, self._storing = None, self._free, False
        self._busy = False

    def _word_bytes(self, dma: Dma) -> int:
        return self.config.res_word_bytes if dma.space == Space.RESIDUAL else self.config.act_word_bytes

    def _load(self, dma: Dma, begin: float) -> Iterator[float]:
        """Ends with the cycle in which the last word is written."""
        word, channel = self._word_bytes(dma), self.channel
        channel.items_of(word)
        for row in range(dma.rows):
            beats = tiles(dma.words * word, self.config.bus_bytes)
            channel.ask(dma.dram_offset + row * dma.dram_stride, beats, begin + 2 + row)
            left = dma.words
            while left:
                yield channel.due()
                items = min(left, max(1, self.config.axi_burst * self.config.bus_bytes // word))
                channel.take(items, begin + 1)
                left -= items
            channel.drop(0)
            self._rows[-1].append(channel.taken + WRITTEN + 2)
        return channel.taken + WRITTEN

    def _store(self, dma: Dma, begin: float) -> Iterator[float]:
        """Ends with the cycle in which the last answer has come."""
        config, word = self.config, self._word_bytes(dma)
        beats = dma.rows * tiles(dma.words * word, config.bus_bytes)
        words = dma.rows * dma.words
        pace = max(1.0, self.memory.beat * beats / words)
        at = begin
        yield begin
        for row in range(dma.rows):
            left = dma.words * pace
            while left:
                if dma.space == Space.RESIDUAL:
                    at, left = at + left, 0.0
                else:
                    at, left = self._reads.go(dma.sram_base + row * dma.sram_stride, at, left)
                    if left:
                        yield at
        last = at + READ_LATENCY + 4  # the last beat is at the writer
        tail = beats % config.axi_burst or config.axi_burst
        before = (
            last - tail + 2 + config.axi_burst if beats > tail else 0
        )  # the burst in front still goes out
        sent = max(last + 2, before) + tail * self.memory.beat
        return sent + self.memory.latency + 3 * self.memory.pause
