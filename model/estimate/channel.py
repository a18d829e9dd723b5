"""One client of the read master: bursts into its FIFO, beats out of it, and rows, words or instructions."""

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
BETWEEN = 2
"""Cycles between the last beat of a stationary stream and the first of the next."""


class Rival(Protocol):
    """Another user of the bus."""

    def advance(self, until: float) -> None:
        """Ask for what is asked for up to that cycle."""


class Channel:
    """Consecutive transfers through a FIFO, in items that are a fraction or a multiple of a beat.

    A burst is asked for when the FIFO has room for all of it. The unpacker behind the FIFO holds one beat (or
    item); it takes the next in the cycle in which the last item of the one before goes on.

    Args:
        bus: what it shares with other channels. depth: of the FIFO. burst: the longest burst, both in beats.
        beat_bytes, item_bytes: sizes, powers of two. ahead: items of several beats
            for which there is room behind the unpacker, in which they wait while the next is put together.
    """

    def __init__(
        self, bus: Bus, depth: int, burst: int, beat_bytes: int, item_bytes: int, *, ahead: int = 0
    ) -> None:
        self.bus, self.memory = bus, bus.memory
        self._depth, self._burst, self._beat_bytes = depth, burst, beat_bytes
        self._beat = bus.memory.beat
        self.rivals: list[Rival] = []
        """Other users of the bus, whose bursts go before those that are asked for later here."""
        self.items_of(item_bytes)
        self._blocks = 0  # transfers that are asked for as a whole and not yet taken as a whole
        self._transfers: deque[list[float]] = deque()  # first beat's number in memory, beats, asked for at
        self._ready: deque[list[float]] = deque()  # bursts on their way: first beat at, beats
        self._pops: deque[list[float]] = (
            deque()
        )  # beats out of the FIFO: number of the first, beats, at, step
        self._formed = 0  # beats asked for
        self._popped = 0
        self._last_form = -inf
        self._forming = False
        self._held = 0  # items in the unpacker behind the one on offer, and it
        self._valid = -inf  # since when they are on offer
        self._after = -inf  # no beat of the transfer at work leaves the FIFO before
        self._slice = min(ahead, 1)  # cycles that the registers behind the unpacker take, both ways
        self._takes: deque[float] = deque([-1.0] * (ahead + 1), ahead + 1)  # when the last items were taken
        self.last_pop = -inf
        """Cycle in which the last beat left the FIFO."""

    def items_of(self, item_bytes: int) -> None:
        """Choose the size of the items from the next transfer on."""
        self._split = max(1, self._beat_bytes // item_bytes)  # items of a beat
        self._join = max(1, item_bytes // self._beat_bytes)  # beats of an item

    @property
    def taken(self) -> float:
        """Cycle in which the last item was taken."""
        return self._takes[-1]

    def _take(self, last: float, step: float) -> None:
        """Note when items were taken: the last of them, and those before it at intervals."""
        count = len(self._takes)
        self._takes.extend(last - step * (count - 1 - i) for i in range(count))

    # What is asked for --------------------------------------------------------------------------------------

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
        for rival in self.rivals:
            rival.advance(at + FORM_TO_BUS)
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

    # What is taken ------------------------------------------------------------------------------------------

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

    def _free(self) -> float:
        """When the last item has left the unpacker, for which an item before it must have been taken."""
        left = self._valid - self._slice + self._split - 1
        return max(left, self._takes[0] + self._slice, self._after)

    def available(self) -> float:
        """Cycle since which (or from which) the next item is on offer."""
        while not self._held:
            missing, first = self._join, self._free()
            while missing:
                at, beats = self._oldest()
                part = int(min(missing, beats))
                begin = max(at, first)
                end = max(begin + part - 1, at + (part - 1) * self._beat)
                self._pop(part, begin, end)
                first, missing = end + 1, missing - part
            self._held, self._valid = self._split, first + self._slice
        return self._valid

    def take(self, items: int, want: float, each: int = 1) -> float:
        """Take ``items`` items from the cycle ``want`` on, and spend ``each`` cycles on each of them.

        Returns:
            Cycle in which the last of them is taken.
        """
        while items:
            if not self._held and items > self._split:
                done = self._whole(items, want, each)
                if done:
                    items, want = items - done, self.taken + 1
                    continue
            valid = self.available()
            part = min(items, self._held)
            last = max(want, valid) + part * each - 1
            before = self.taken
            for item in range(max(0, part - len(self._takes)), part):
                self._takes.append(max(before, last - (part - 1 - item) * each))
            want = last + 1
            self._held -= part
            items -= part
        return self.taken

    def _whole(self, items: int, want: float, each: int) -> int:
        """Take whole beats (or items of whole beats) of the oldest burst at once; returns how many items."""
        at, beats = self._oldest()
        join, beat, first = self._join, self._beat, max(at, self._free())
        if join == 1:
            step = self._split * each
            count = int(min(beats, items // self._split))
            last = at + (count - 1) * beat
            # Each beat is waited for, and what is slower of both sides gives the pace.
            taken = max(want - 1 + step * count, first + step * count, last + step)
            self._take(taken, each)
            self._pop(count, first, max(first, last, taken - step))
            self._valid = taken - step + 1
            return count * self._split
        count = int(min(beats // join, items))
        if not count:
            return 0
        first_taken = max(want, max(first + join, at + (join - 1) * beat + 1) + self._slice) + each - 1
        last = at + (count * join - 1) * beat
        if self._slice:
            # Items are put together while those before them wait: what is slower gives the pace.
            filled = max(first + count * join, last + 1) + self._slice
            taken = max(first_taken + (count - 1) * each, filled + each - 1)
            pace, room = each if taken >= filled + each else max(join, each), len(self._takes)
            before = self._takes[count - 1] if count <= room else taken - room * pace
            self._valid = max(filled, before + join + 2 * self._slice)
        else:
            taken = max(first_taken + (count - 1) * (join + each - 1), last + each)
            pace, self._valid = join + each - 1, taken - each + 1
        self._take(taken, pace)
        self._pop(count * join, first, max(first, last, self._valid - 1 - self._slice))
        return count

    def drop(self, beats: int) -> None:
        """Drop the rest of a transfer: the items on offer, and ``beats`` beats.

        Without registers behind the unpacker a beat takes a cycle, and the items on offer none. With them
        each item takes one, and the next transfer begins BETWEEN cycles later.
        """
        last, each = self.taken, 1
        if self._slice:
            last, each = last + self._held, self._split
        self._held = 0
        while beats:
            at, there = self._oldest()
            part = int(min(beats, there))
            first = max(at, last + 1)
            end = max(first + part * each - 1, at + (part - 1) * self._beat)
            self._pop(part, first, end - each + 1)
            beats -= part
            last = end + (not beats and not self._slice)
        self._take(last, 1)
        self._valid = -inf
        if self._slice:
            self._after = self.last_pop + 1 + BETWEEN
        self._blocks -= 1

    # Repetition ---------------------------------------------------------------------------------------------

    def state(self, now: float) -> tuple[float, ...]:
        """What decides the further course, relative to ``now``."""
        window = self._formed - self._depth
        return (
            self._held,
            self._transfers[0][0] % self._burst if self._transfers else -1,
            round(self._last_form - now, 1),
            *(round(taken - now, 1) for taken in self._takes),
            round(self._free() - now, 1),
            round(self.bus.lag(now), 1),
            *(value for at, beats in self._ready for value in (round(at - now, 1), beats)),
            *(
                value
                for first, beats, at, _ in self._pops
                if first + beats > window
                for value in (first - self._formed, round(at - now, 1))
            ),
        )

    def skip(self, items: int) -> bool:
        """Pass over items of the transfer that is being asked for; False where it has not as many left."""
        beats = -(-(items - self._held) // self._split) * self._join if items > self._held else 0
        if self._blocks or not self._transfers or self._transfers[0][1] <= beats:
            return False
        if items <= self._held:
            self._held -= items
            return True
        self._held += beats * self._split // self._join - items
        self._transfers[0][0] += beats
        self._transfers[0][1] -= beats
        return True

    def shift(self, cycles: float) -> None:
        """Move everything that is under way into the future."""
        for entry in self._ready:
            entry[0] += cycles
        for entry in self._pops:
            entry[2] += cycles
        self._last_form += cycles
        self._valid += cycles
        self._after += cycles
        self._takes.extend([taken + cycles for taken in self._takes])
        self.last_pop += cycles
