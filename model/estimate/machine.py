"""The whole machine: program fetch, DMA and engine, from the start of a run to its end."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf

from hw.contract.config import CoreConfig
from hw.contract.errors import PointwiseError
from hw.contract.image import HEADER_BYTES
from hw.contract.isa import INSTRUCTION_BYTES, Conv, Dma, End, Instruction, Space
from hw.contract.registers import Cause
from hw.contract.stream import tiles
from hw.contract.timing import CONV_QUEUE, DMA_QUEUE, READ_LATENCY, Timing

from .channel import Channel
from .engine import Engine, Job
from .memory import Bus, Memory


@dataclass(frozen=True)
class Course:
    """What a run is expected to take.

    Attributes:
        cycles: from the end of the image check to done. causes: the same by cause; their sum is ``cycles``.
        tiles: that are streamed. ends: for each convolution in order, the cycle in which its last token is streamed.
    """

    cycles: int
    causes: dict[Cause, int]
    tiles: int
    ends: tuple[int, ...]


def follow(program: Sequence[Instruction], config: CoreConfig, memory: Memory) -> Course:
    """Follow a program through the core without computing anything.

    Args:
        program: instructions, END last. config: the core that they are for. memory: what is on the bus.

    Raises:
        PointwiseError: the program has no END at its end.
    """
    if not program or not isinstance(program[-1], End):
        raise PointwiseError("the program to be estimated does not end with END; compile the network again")
    return _Machine(program, config, memory).run()


class _Machine:
    """All units, and the counts of what is complete."""

    def __init__(self, program: Sequence[Instruction], config: CoreConfig, memory: Memory) -> None:
        timing = Timing(config)
        self.program, self.config, self.memory = program, config, memory
        self.bus = Bus(config, memory)
        make = (config.axi_burst, config.bus_bytes)
        self.fetch = Channel(self.bus, timing.program_beats, *make, INSTRUCTION_BYTES)
        self.stream = Channel(self.bus, config.stream_beats, *make, config.row_bytes)
        self.loads = Channel(self.bus, timing.dma_beats, *make, config.act_word_bytes)
        self.engine = Engine(config, self.stream)
        self.jobs: list[Job] = []
        self.dma_done: list[float] = []
        self.dma_taken: list[float] = []
        self.dispatched = -inf  # cycle of the last dispatch
        self.asks: list[float] = []  # cycles in which streams were asked for
        self.pops: list[float] = []  # and in which their last beats were taken
        self.forms: list[float] = []  # and in which their last bursts were formed
        self.dma_free = 0.0

    def run(self) -> Course:
        """The course of the run."""
        length = len(self.program) * INSTRUCTION_BYTES // self.config.bus_bytes
        self.fetch.ask(HEADER_BYTES, length, 2)
        count = 0
        ends = []
        pending: list[tuple[Dma, float]] = []
        for instruction in self.program:
            at = max(self.fetch.available(), self.dispatched + 1) + 1
            if isinstance(instruction, End):
                break
            if isinstance(instruction, Dma):
                if len(self.dma_taken) >= DMA_QUEUE:
                    at = max(at, self.dma_taken[-DMA_QUEUE] + 1)
                self._dispatch(at)
                pending.append((instruction, at + 2))
                # Convolutions that it waits for are complete in the model, DMA is followed in order.
                self._dma(*pending.pop())
                continue
            job = self._job(instruction, at)
            self.engine.run(job)
            self.jobs.append(job)
            self.pops.append(self.stream.last_pop)
            self.forms.append(self.stream.formed())
            ends.append(int(self.engine.free))
            count += tiles(instruction.k, self.config.rows) * tiles(instruction.n, self.config.cols)
        done = [at + 1, *(job.done for job in self.jobs), *self.dma_done]
        cycles = max(done) + 1
        self.engine._wait(Cause.IDLE, cycles)
        causes = {cause: round(value) for cause, value in self.engine.causes.items()}
        return Course(sum(causes.values()), causes, count, tuple(ends))

    def _dispatch(self, at: float) -> None:
        self.fetch.take(1, at)
        self.dispatched = at

    def _job(self, conv: Conv, at: float) -> Job:
        """Dispatch a convolution, and ask for its stream."""
        jobs = self.jobs
        if len(jobs) >= CONV_QUEUE:
            oldest = jobs[-CONV_QUEUE]
            at = max(at, oldest.by_loader + 1, oldest.by_streamer + 1, oldest.by_epilogue + 1, self.asks[-CONV_QUEUE] + 1)
        self._dispatch(at)
        ask = at + 1
        if self.asks:
            ask = max(ask, self.asks[-1] + 1)
        if len(self.forms) >= 2:
            ask = max(ask, self.forms[-2])
        if len(self.pops) >= CONV_QUEUE:
            ask = max(ask, self.pops[-CONV_QUEUE] + 1)
        self.asks.append(ask)
        self.stream.ask(conv.stream_offset, conv.stream_beats, ask + 2)
        depend = max(self._conv_done(conv.wait_conv), self._dma_done(conv.wait_dma))
        return Job(conv, at + 2, depend, self._dma_done(conv.post_wait_dma))

    def _conv_done(self, count: int) -> float:
        return max((job.done for job in self.jobs[count - 1 : count]), default=0.0) if count else 0.0

    def _dma_done(self, count: int) -> float:
        return self.dma_done[count - 1] if count else 0.0

    # DMA -----------------------------------------------------------------------------------------------------

    def _dma(self, dma: Dma, offered: float) -> None:
        """Follow one LOAD or STORE."""
        begin = max(offered, self.dma_free, self._conv_done(dma.wait_conv), self._dma_done(dma.wait_dma))
        self.dma_taken.append(begin)
        last = self._store(dma, begin) if dma.store else self._load(dma, begin)
        self.dma_free = last + 2
        self.dma_done.append(last + 3)

    def _word_bytes(self, dma: Dma) -> int:
        config = self.config
        return config.res_word_bytes if dma.space == Space.RESIDUAL else config.act_word_bytes

    def _load(self, dma: Dma, begin: float) -> float:
        """Cycle in which the last word is written."""
        word = self._word_bytes(dma)
        self.loads.items_of(word)
        beats = tiles(dma.words * word, self.config.bus_bytes)
        for row in range(dma.rows):
            self.loads.ask(dma.dram_offset + row * dma.dram_stride, beats, begin + 2 + row)
        chunk = max(1, self.config.axi_burst * self.config.bus_bytes // word)
        for _ in range(dma.rows):
            left = dma.words
            while left:
                items = min(chunk, left)
                self.loads.take(items, begin + 1)
                left -= items
                self.stream.advance(self.loads.formed())
            self.loads.drop(0)
        return self.loads.taken

    def _store(self, dma: Dma, begin: float) -> float:
        """Cycle in which the last answer has come."""
        config, word = self.config, self._word_bytes(dma)
        row = tiles(dma.words * word, config.bus_bytes)
        beats = dma.rows * row
        pace = max(1.0, word / config.bus_bytes, self.memory.beat * beats / (dma.rows * dma.words))
        last = begin + dma.rows * dma.words * pace + READ_LATENCY + 3  # last beat at the writer
        tail = beats % config.axi_burst or config.axi_burst
        before = last - tail + 1 + config.axi_burst if beats > tail else 0  # the burst in front still goes out
        sent = max(last + 2, before) + tail * self.memory.beat
        return sent + self.memory.latency + 3 * self.memory.pause
