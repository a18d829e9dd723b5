"""The epilogue on the level of N-tiles: when it works on one, and what that frees."""

from collections import deque
from dataclasses import dataclass, field
from math import inf

from pointwise.hw.contract.config import CoreConfig
from pointwise.hw.contract.isa import Conv
from pointwise.hw.contract.timing import DEPEND, PARAMETER_BANKS, WALK_REVISIT, Timing

from .dma import DmaEngine


@dataclass
class Job:
    """A convolution on its way.

    Attributes:
        conv: the instruction. offered: cycle in which its parts are at the heads of empty queues.
        depend: cycle from which its operands are there.
        by_loader, by_streamer, by_epilogue: cycles in which these take it over.
        done: cycle from which it counts as complete.
        ends: cycles from which its last N-tiles do, of those that were followed one by one.
        before: the convolution whose results it reads as they come.
    """

    conv: Conv
    offered: float
    depend: float = 0
    by_loader: float = 0
    by_streamer: float = 0
    by_epilogue: float = 0
    done: float = 0
    ends: list[float] = field(default_factory=list)
    before: "Job | None" = None

    def later(self, cycles: float) -> "Job":
        """The same so many cycles later."""
        times = (self.offered, self.depend, self.by_loader, self.by_streamer, self.by_epilogue, self.done)
        return Job(self.conv, *(time + cycles for time in times), ends=[end + cycles for end in self.ends])

    def written(self, back: int) -> float:
        """Cycle from which the N-tile ``back`` before the last one counts as complete.

        N-tiles that were passed over took as long as those that were followed last.
        """
        if back < len(self.ends):
            return self.ends[-1 - back]
        period = self.ends[-1] - self.ends[-2] if len(self.ends) > 1 else 0.0
        return self.ends[0] - (back - len(self.ends) + 1) * period


class Epilogue:
    """Takes N-tiles in order, a token in ``groups`` cycles, as they come out of the array.

    It is followed as late as possible, so that a LOAD that it waits for meets on the bus what is read
    meanwhile.

    Attributes:
        adding: first and last cycle in which it last read what it adds to. added: for which convolution.
    """

    def __init__(self, config: CoreConfig, dma: DmaEngine) -> None:
        self.timing, self.groups, self.dma = Timing(config), config.groups, dma
        self.adding = (-inf, -inf)
        self.added: Conv | None = None
        self._free = 0.0  # it can take a convolution, or the next N-tile of the one at work
        self._ends: deque[float] = deque(
            [-inf] * PARAMETER_BANKS, PARAMETER_BANKS
        )  # parameters are free again
        self._behind: list[tuple[Job, float, bool]] = []  # N-tiles that it has still to be followed through
        self._promised = 0  # tokens that had to find room in the output FIFO
        self._walks: deque[list[float]] = deque()  # by N-tile: number of its first token, tokens, begin

    def append(self, job: Job, start: float, last: bool) -> None:
        """Add an N-tile whose last K-tile starts in the cycle ``start``; ``last`` of its convolution."""
        self._behind.append((job, start, last))

    def free_bank(self) -> float:
        """First cycle in which there is room for the parameters of the next N-tile."""
        if len(self._behind) == PARAMETER_BANKS:
            self.catch_up()
        return self._ends[len(self._behind)] + 1

    def room(self, tokens: int) -> float:
        """First cycle in which the output FIFO has room for so many tokens more."""
        waiting = sum(job.conv.tokens for job, _, _ in self._behind)
        gone = self._promised + waiting + tokens - self.timing.output_tokens  # tokens that must have left
        if gone > self._promised:
            self.catch_up()
        walks = self._walks
        while walks and walks[0][0] + walks[0][1] < gone:
            walks.popleft()
        if gone <= 0 or not walks or walks[0][0] >= gone:
            return -inf
        first, _, begin = walks[0]
        return begin + (gone - first) * self.groups

    def finish(self, job: Job) -> float:
        """End a convolution, and note when it is complete; returns the cycle of its last group."""
        self.catch_up()
        end = self._free - 1
        job.done = end + (self.timing.settle if job.conv.sums else self.timing.done) + 1
        if job.conv.sums:
            self._free = end + self.timing.settle + 2
        return end

    def catch_up(self) -> None:
        """Follow it through all N-tiles that have been streamed."""
        for job, start, last in self._behind:
            if not job.by_epilogue:
                seen = max(job.offered, self.dma.done(job.conv.post_wait_dma)) + DEPEND
                job.by_epilogue = max(self._free, seen)
                self._free = job.by_epilogue + 1
            job.ends.append(self._walk(job.conv, start, last) + self.timing.done + 1)
        self._behind.clear()

    def _walk(self, conv: Conv, start: float, last: bool) -> float:
        """Follow it through an N-tile; returns the cycle of its last group."""
        begin = max(start + self.timing.to_epilogue, self._free)
        end = begin + conv.tokens * self.groups - 1
        self._walks.append([self._promised, conv.tokens, begin])
        self._promised += conv.tokens
        self._ends.append(end + self.timing.requantised)
        self._free = end + 1
        if not last and conv.tokens < WALK_REVISIT:
            self._free += WALK_REVISIT
        if conv.add:
            ahead = self.timing.add_read - (not conv.to_residual)
            self.added = conv
            self.adding = (begin + ahead, end + ahead)
        return end

    def state(self, now: float) -> tuple[float, ...]:
        """What decides the further course, relative to ``now``."""
        self.catch_up()
        return (round(self._free - now, 2), *(round(end - now, 2) for end in self._ends))

    def shift(self, cycles: float) -> None:
        """Move everything that is under way into the future."""
        self._free += cycles
        self._ends = deque((end + cycles for end in self._ends), PARAMETER_BANKS)
        self.adding = (self.adding[0] + cycles, self.adding[1] + cycles)
        for walk in self._walks:
            walk[2] += cycles
