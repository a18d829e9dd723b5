"""The memory at the other end of the bus, and the bus that all readers share."""

from dataclasses import dataclass

from pointwise.hw.contract.config import CoreConfig
from pointwise.hw.contract.errors import PointwiseError
from pointwise.hw.contract.timing import Timing

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
                f"a memory latency of {self.latency} cycles was asked for; give 1 to 100000, the cycles from "
                "an address to its first beat"
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

    Readers are followed one after the other, so a burst may be asked for before others that are known
    already. It then goes in front of them; they end later than they were told, which only those behind feel.

    Attributes:
        memory: what answers. limit: bursts that may be under way.
    """

    def __init__(self, config: CoreConfig, memory: Memory) -> None:
        self.memory = memory
        self._latency = memory.latency + 2 * memory.pause
        self.limit = min(Timing(config).bursts, MEMORY_BURSTS)
        self._bursts: list[list[float]] = []  # asked for at, cycles of its beats, cycle behind its last one

    def answer(self, asked: float, beats: int) -> float:
        """Cycle of the first of ``beats`` beats whose address may be on the bus in cycle ``asked``."""
        bursts = self._bursts
        if len(bursts) >= self.limit and asked >= bursts[-1][0]:
            asked = max(asked, bursts[-self.limit][2] + 1)
        place = len(bursts)
        while place and bursts[place - 1][0] > asked:
            place -= 1
        bursts.insert(place, [asked, beats * self.memory.beat, 0.0])
        end = bursts[place - 1][2] if place else 0.0
        for burst in bursts[place:]:
            end = burst[2] = max(burst[0] + self._latency, end) + burst[1]
        first = bursts[place][2] - bursts[place][1]
        if len(bursts) > 2 * self.limit:
            del bursts[: self.limit]
        return first

    def shift(self, cycles: float) -> None:
        """Move everything that is under way into the future."""
        del self._bursts[: -self.limit]
        for burst in self._bursts:
            burst[0] += cycles
            burst[2] += cycles

    def lag(self, now: float) -> float:
        """How long the beats that were asked for keep the bus busy after ``now``."""
        return self._bursts[-1][2] - now if self._bursts else 0.0
