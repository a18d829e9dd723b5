"""Bursts of one client of the read master: when there is room to ask for them, and when they arrive."""

from collections import deque
from math import inf
from typing import Protocol

from .memory import Bus

FORM_TO_BUS = 5
"""From the cycle in which a burst finds room until its address is on the bus."""
BURST_CYCLES = 2
"""From one burst to the next that a client asks for."""
BUS_TO_FIFO = 5
"""From a beat on the bus to the far end of the FIFO."""


class BusContender(Protocol):
    """Another user of the bus."""

    def advance(self, until: float) -> None:
        """Ask for what is asked for up to that cycle."""


class Bursts:
    """Consecutive transfers through a FIFO: a burst is asked for when the FIFO has room for all of it.

    Args:
        bus: what it shares with other channels. depth: of the FIFO. burst: the longest burst, both in beats.
        beat_bytes: size of a beat, a power of two.
    """

    def __init__(self, bus: Bus, depth: int, burst: int, beat_bytes: int) -> None:
        self.bus, self.memory = bus, bus.memory
        self._depth, self._burst, self._beat_bytes = depth, burst, beat_bytes
        self._beat = bus.memory.beat
        self.contenders: list[BusContender] = []
        """Other users of the bus, whose bursts go before those that are asked for later here."""
        self._blocks = 0  # transfers that are asked for as a whole and not yet taken as a whole
        self._transfers: deque[list[float]] = deque()  # first beat's number in memory, beats, asked for at
        self._ready: deque[list[float]] = deque()  # bursts on their way: first beat at, beats
        # Beats out of the FIFO: number of the first, beats, at, step.
        self._pops: deque[list[float]] = deque()
        self._formed = 0  # beats asked for
        self._popped = 0
        self._last_form = -inf
        self._forming = False
        self.last_pop = -inf
        """Cycle in which the last beat left the FIFO."""

    def ask(self, offset: int, beats: int, at: float) -> None:
        """Append a transfer of beats from byte ``offset``; its first burst may form in cycle ``at``."""
        self._transfers.append([offset // self._beat_bytes, beats, at])

    def ask_later(self, cycles: float) -> None:
        """Move into the future when what is not asked for yet may be."""
        for transfer in self._transfers:
            transfer[2] += cycles

    def due(self) -> float:
        """Cycle in which the next burst forms, where one is needed before anything can be taken."""
        at = None if self._ready else self._next_form()
        return -inf if at is None else at

    def advance(self, until: float) -> None:
        """Ask for what there is room for up to a cycle, before anything more is taken."""
        while self._transfers and not self._forming:
            at = self._next_form()
            if at is None or at + FORM_TO_BUS > until:
                return
            self._form(at)

    def _next_burst(self) -> int:
        first, left, _ = self._transfers[0]
        return int(min(left, self._burst - first % self._burst))

    def _next_form(self) -> float | None:
        """When the next burst forms; None while that depends on beats that nobody has taken yet."""
        last_needed = self._formed + self._next_burst() - self._depth - 1
        room = -inf
        if last_needed >= 0:
            if last_needed >= self._popped:
                return None
            pops = self._pops
            while pops[0][0] + pops[0][1] <= last_needed:
                pops.popleft()
            first, _, at, step = pops[0]
            room = at + (last_needed - first) * step + 1
        return max(self._last_form + BURST_CYCLES, self._transfers[0][2], room)

    def _form(self, at: float) -> None:
        transfer = self._transfers[0]
        beats = self._next_burst()
        self._forming = True
        for contender in self.contenders:
            contender.advance(at + FORM_TO_BUS)
        self._forming = False
        asked = at + FORM_TO_BUS + self.memory.pause
        self._ready.append([self.bus.answer(asked, beats) + BUS_TO_FIFO, beats])
        self._last_form = at
        self._formed += beats
        transfer[0] += beats
        transfer[1] -= beats
        if not transfer[1]:
            self._transfers.popleft()
            self._blocks += 1

    def _oldest(self) -> list[float]:
        if not self._ready:
            at = self._next_form()
            if at is None:
                raise AssertionError("a read FIFO has no room for a burst that is needed next")
            self._form(at)
        return self._ready[0]

    def _pop(self, beats: int, first: float, last: float) -> None:
        """Note that beats leave the FIFO, and take them off the oldest burst."""
        step = (last - first) / (beats - 1) if beats > 1 else 0.0
        self._pops.append([self._popped, beats, first, step])
        self._popped += beats
        self.last_pop = last
        burst = self._ready[0]
        burst[0] += beats * self._beat
        burst[1] -= beats
        if not burst[1]:
            self._ready.popleft()

    def _asking(self, now: float) -> tuple[float, ...]:
        """What decides the further course of bursts, relative to ``now``."""
        window = self._formed - self._depth
        return (
            self._transfers[0][0] % self._burst if self._transfers else -1,
            round(self._last_form - now, 1),
            round(self.bus.lag(now), 1),
            *(value for at, beats in self._ready for value in (round(at - now, 1), beats)),
            *(
                value
                for first, beats, at, _ in self._pops
                if first + beats > window
                for value in (first - self._formed, round(at - now, 1))
            ),
        )

    def shift(self, cycles: float) -> None:
        """Move everything that is under way into the future."""
        for entry in self._ready:
            entry[0] += cycles
        for entry in self._pops:
            entry[2] += cycles
        self._last_form += cycles
        self.last_pop += cycles
