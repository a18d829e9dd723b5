"""The memory at the other end of the bus, and the bus that all readers share."""

from collections import deque
from dataclasses import dataclass

from hw.contract.config import CoreConfig
from hw.contract.errors import PointwiseError
from hw.contract.timing import Timing

MEMORY_BURSTS = 32
"""Read bursts that the memory keeps track of."""


@dataclass(frozen=True)
class Memory:
    """What the core finds on its bus.

    Attributes:
        latency: cycles from an address to its first beat (at least 1).
        stall: fraction of the cycles in which a channel of the bus stalls at random, 0 to 0.9.

    Raises:
        PointwiseError: one of them is out of range.
    """

    latency: int = 40
    stall: float = 0.0

    def __post_init__(self) -> None:
        if not 1 <= self.latency <= 100_000:
            raise PointwiseError(
                f"a memory latency of {self.latency} cycles was asked for; give 1 to 100000 cycles from an address to "
                "its first beat"
            )
        if not 0 <= self.stall <= 0.9:
            raise PointwiseError(f"stalls in {self.stall:.0%} of the cycles were asked for; give 0 to 90 %")

    @property
    def beat(self) -> float:
        """Cycles that a beat takes on average when many follow one another."""
        return 1 / (1 - self.stall)

    @property
    def pause(self) -> float:
        """Cycles that a single handshake waits on average."""
        return self.beat - 1


class Bus:
    """The read channels: bursts are answered in the order in which they are asked for, a beat at a time.

    Readers are followed one after the other, so a burst may be asked for at a time that others have passed. Such a
    burst is answered at once, and the room that it takes is missed by whoever comes next.
    """

    def __init__(self, config: CoreConfig, memory: Memory) -> None:
        self.memory = memory
        self._latency = memory.latency + 2 * memory.pause
        self._free = 0.0
        self._now = 0.0
        self._ends: deque[float] = deque(maxlen=min(Timing(config).bursts, MEMORY_BURSTS))

    def answer(self, asked: float, beats: int) -> float:
        """Cycle of the first of ``beats`` beats whose address is taken in the cycle ``asked``."""
        if asked < self._now:
            self._free += beats * self.memory.beat
            return asked + self._latency
        if len(self._ends) == self._ends.maxlen:
            asked = max(asked, self._ends[0] + 2)
        self._now = asked
        first = max(asked + self._latency, self._free)
        self._free = first + beats * self.memory.beat
        self._ends.append(self._free - 1)
        return first

    def shift(self, cycles: float) -> None:
        """Move everything that is under way into the future."""
        self._free += cycles
        self._now += cycles
        self._ends = deque((end + cycles for end in self._ends), self._ends.maxlen)

    def lag(self, now: float) -> float:
        """How long the beats that were asked for keep the bus busy after ``now``."""
        return self._free - now
