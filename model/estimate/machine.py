"""The whole machine: program fetch, DMA and engine, from the start of a run to its end."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from math import inf
from typing import Any

from pointwise.hw.contract.config import CoreConfig
from pointwise.hw.contract.errors import PointwiseError
from pointwise.hw.contract.image import HEADER_BYTES
from pointwise.hw.contract.isa import INSTRUCTION_BYTES, Conv, Dma, End, Instruction
from pointwise.hw.contract.registers import Cause
from pointwise.hw.contract.stream import k_tiles, tiles
from pointwise.hw.contract.timing import CONV_QUEUE, DEPEND, DISPATCH, DISPATCHED, DMA_QUEUE, Timing

from .banks import BankSchedule
from .channel import Channel
from .dma import DmaEngine
from .engine import Engine
from .epilogue import Job
from .memory import Bus, Memory
from .periods import period_of
from .repetition import Causes, State, recent

PROGRAM_START = 2
"""Cycle of a run in which the first burst of the program can form."""


@dataclass(frozen=True)
class ExecutionProfile:
    """What a run is expected to take.

    Attributes:
        cycles: from the end of the image check to done. causes: the same by cause; their sum is ``cycles``.
        tiles: that are streamed.
        ends: for each convolution in order, the first cycle after its last token was streamed.
    """

    cycles: int
    causes: dict[Cause, int]
    tiles: int
    ends: tuple[int, ...]


def simulate(program: Sequence[Instruction], config: CoreConfig, memory: Memory) -> ExecutionProfile:
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
    """All units, and what is complete when.

    Program fetch runs ahead of the engine, but never so far that it had to know what the engine will do.
    """

    def __init__(self, program: Sequence[Instruction], config: CoreConfig, memory: Memory) -> None:
        timing = Timing(config)
        self.program, self.config, self.memory = program, config, memory
        bus = Bus(config, memory)
        make = (config.axi_burst, config.bus_bytes)
        self.fetch = Channel(bus, timing.program_beats, *make, INSTRUCTION_BYTES)
        # Two rows wait behind the unpacker, which matters where a row takes several beats.
        ahead = 2 if config.row_bytes > config.bus_bytes else 0
        self.stream = Channel(bus, config.stream_beats, *make, config.row_bytes, ahead=ahead)
        reads = BankSchedule(config)
        self.dma = DmaEngine(config, bus, self._conv_done, reads)
        self.stream.contenders, self.dma.channel.contenders = (
            [self.fetch, self.dma],
            [self.fetch, self.stream],
        )
        self.engine = Engine(config, self.stream, self.dma, reads)
        self.position = 0  # of the next instruction to be dispatched
        self.dispatched = -inf  # cycle of the last dispatch
        self.jobs: list[Job] = []  # convolutions that are through the engine
        self.ahead: deque[Job] = deque()  # and those that have been dispatched
        self.asks: list[float] = []  # when streams were asked for
        self.pops: list[float] = []  # and their last beats taken
        self.ends: list[float] = []  # and their last tokens streamed
        self.period = period_of(program, config)
        self.states: dict[int, tuple[State, float, Causes]] = {}  # after so many of its convolutions

    def run(self) -> ExecutionProfile:
        """What the run takes."""
        beats = len(self.program) * INSTRUCTION_BYTES // self.config.bus_bytes
        self.fetch.ask(HEADER_BYTES, beats, PROGRAM_START)
        self._look_ahead()
        while self.ahead:
            job = self.ahead.popleft()
            conv = job.conv
            whole = conv.wait_dma - conv.chained  # of these LOADs and STOREs it needs all
            convs = conv.wait_conv
            if conv.pipelined and convs:
                job.before = self.jobs[convs - 1]
                convs -= 1
            job.depend = max(self._conv_done(convs), self.dma.done(whole)) + DEPEND
            self.engine.run(job)
            self.jobs.append(job)
            self.pops.append(self.stream.last_pop)
            self.ends.append(self.engine.free)
            self._look_ahead()
            self._pass_over()
        cycles = max(self.dispatched + 1, *(job.done for job in self.jobs), self.dma.last()) + 1
        causes = {cause: round(value) for cause, value in self.engine.finish(cycles).items()}
        cols = self.config.cols
        count = sum(k_tiles(conv, self.config) * tiles(conv.n, cols) for conv in self.period.convs)
        return ExecutionProfile(sum(causes.values()), causes, count, tuple(round(end) for end in self.ends))

    # Program fetch ------------------------------------------------------------------------------------------

    def _look_ahead(self) -> None:
        """Dispatch what can be dispatched whatever the engine does next."""
        while self.position < len(self.program) and self._may_dispatch(self.program[self.position]):
            instruction = self.program[self.position]
            at = self.fetch.available() + DISPATCH
            if isinstance(instruction, Conv):
                at = self._conv(instruction, at)
            elif isinstance(instruction, Dma):
                number = len(self.dma.taken) + self.dma.waiting
                if number >= DMA_QUEUE:
                    at = max(at, self.dma.taken[number - DMA_QUEUE] + 2)
                self.dma.offer(instruction, at + 2)
            self.fetch.take(1, at + DISPATCHED)
            self.dispatched = at
            self.position += 1

    def _may_dispatch(self, instruction: Instruction) -> bool:
        if isinstance(instruction, Conv):
            return len(self.ahead) < CONV_QUEUE
        return not isinstance(instruction, Dma) or self.dma.has_room(certain=bool(self.ahead))

    def _conv(self, conv: Conv, at: float) -> float:
        """Dispatch a convolution and ask for its stream; returns the cycle of the dispatch."""
        number = len(self.asks)
        if number >= CONV_QUEUE:
            oldest = self.jobs[number - CONV_QUEUE]
            at = max(at, oldest.by_loader + 1, oldest.by_streamer + 1, oldest.by_epilogue + 1)
            at = max(at, self.asks[-CONV_QUEUE] + 1)
        ask = max(at + 1, self.asks[-1] + 1) if self.asks else at + 1
        if number >= CONV_QUEUE:
            ask = max(ask, self.pops[number - CONV_QUEUE] + 1)
        self.asks.append(ask)
        self.stream.ask(conv.stream_offset, conv.stream_beats, ask + 2)
        self.ahead.append(Job(conv, at + 2))
        return at

    def _conv_done(self, count: int) -> float | Any:
        """Cycle from which so many convolutions are complete, None where that is not known yet."""
        if count > len(self.jobs):
            return None
        return self.jobs[count - 1].done if count else 0.0

    # Repetition ---------------------------------------------------------------------------------------------

    def _pass_over(self) -> None:
        """Pass over blocks of the program that take the course of the one before them.

        Where program fetch stands among its bursts does not count: it moves others on the bus by a few
        cycles at most.
        """
        period, done = self.period, len(self.jobs)
        times = period.more(done - 1, len(self.ahead))
        if not times or done <= period.first or not self.dma.idle or self.dma.waiting:
            return
        state = self._state()
        self.states[done] = (state, self.engine.free, dict(self.engine.causes))
        before, since, causes = self.states.get(done - period.length, (None, 0.0, {}))
        if before != state or not self.fetch.skip(times * period.length):
            return
        cycles = self.engine.free - since
        self.engine.repeat(causes, times, cycles)
        self.fetch.shift(cycles * times)
        self.dispatched += cycles * times
        self.position += times * period.length
        for times_of in (self.asks, self.pops, self.ends):
            latest = times_of[-period.length :]
            times_of += [at + cycles * (time + 1) for time in range(times) for at in latest]
        jobs = self.jobs[-period.length :]
        self.jobs += [job.later(cycles * (time + 1)) for time in range(times) for job in jobs]
        convs = period.convs[len(self.jobs) :][: len(self.ahead)]
        self.ahead = deque(
            Job(conv, job.offered + cycles * times) for conv, job in zip(convs, self.ahead, strict=True)
        )
        self.states.clear()

    def _state(self) -> State:
        """What decides the further course, relative to the engine's time."""
        now = self.engine.free
        ahead = (*(job.offered for job in self.ahead), *self.asks[-CONV_QUEUE:], *self.pops[-CONV_QUEUE:])
        done = (
            time for job in self.jobs[-CONV_QUEUE:] for time in (job.by_loader, job.by_streamer, job.done)
        )
        return (
            *(recent(time - now) for time in (self.dispatched, *ahead, *done)),
            *self.engine.state(),
        )
