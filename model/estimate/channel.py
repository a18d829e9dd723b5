"""One client of the read master: the beats out of its FIFO, and the rows, words or instructions in them."""

from collections import deque
from math import inf

from .bursts import Bursts
from .memory import Bus

BETWEEN = 2
"""Cycles between the last beat of a stationary stream and the first of the next."""


class Channel(Bursts):
    """Consecutive transfers through a FIFO, in items that are a fraction or a multiple of a beat.

    The unpacker behind the FIFO holds one beat (or item); it takes the next in the cycle in which the last
    item of the one before goes on.

    Args:
        bus, depth, burst, beat_bytes: as in ``Bursts``. item_bytes: size of an item, a power of two.
        ahead: items of several beats for which there is room behind the unpacker, in which they wait while
            the next is put together.
    """

    def __init__(
        self, bus: Bus, depth: int, burst: int, beat_bytes: int, item_bytes: int, *, ahead: int = 0
    ) -> None:
        super().__init__(bus, depth, burst, beat_bytes)
        self.items_of(item_bytes)
        self._held = 0  # items in the unpacker behind the one on offer, and it
        self._valid = -inf  # since when they are on offer
        self._after = -inf  # no beat of the transfer at work leaves the FIFO before
        self._slice = min(ahead, 1)  # cycles that the registers behind the unpacker take, both ways
        self._takes: deque[float] = deque([-1.0] * (ahead + 1), ahead + 1)  # when the last items were taken

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

    def state(self, now: float) -> tuple[float, ...]:
        """What decides the further course, relative to ``now``."""
        return (
            self._held,
            *(round(taken - now, 1) for taken in self._takes),
            round(self._free() - now, 1),
            *self._asking(now),
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
        super().shift(cycles)
        self._valid += cycles
        self._after += cycles
        self._takes.extend([taken + cycles for taken in self._takes])
