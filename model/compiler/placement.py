"""Placing buffers with lifetimes in a memory of words: the offline form of dynamic storage allocation.

Largest first, each at the lowest address at which no buffer that lives at the same time is in the way.
Buffers that must follow one another are one item of several rectangles, each with its own lifetime, so that
what dies early may lie where a neighbour will be written late (Q of a head in the room of its own output)."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Rectangle:
    """Room of one buffer: ``words`` at ``offset`` of its item, from step ``start`` to ``end`` inclusive."""

    buffer: int
    offset: int
    words: int
    start: int
    end: int


@dataclass(frozen=True)
class Item:
    """Rectangles at fixed distances; placed as one."""

    rectangles: tuple[Rectangle, ...]

    @property
    def words(self) -> int:
        """Words from the first to the last."""
        return max(r.offset + r.words for r in self.rectangles)


def peak(items: Iterable[Item], steps: int) -> np.ndarray:
    """(steps,) words alive in each step: no placement can do with less than the largest of them."""
    change = np.zeros(steps + 1, np.int64)
    for item in items:
        for r in item.rectangles:
            change[r.start] += r.words
            change[r.end + 1] -= r.words
    return np.cumsum(change)[:steps]


_ORDERS = (
    lambda item: (-item.words, item.rectangles[0].start),
    lambda item: (
        -item.words * (max(r.end for r in item.rectangles) - min(r.start for r in item.rectangles) + 1),
        -item.words,
    ),
    lambda item: (min(r.start for r in item.rectangles), -item.words),
)
"""Orders of placing that are tried in turn: largest first, largest times longest first, earliest first."""


def place(
    items: list[Item], capacity: int | None, bank_words: int = 0, apart: dict[int, set[int]] | None = None
) -> dict[int, int] | None:
    """Addresses of all buffers, or None where no order of placing fits.

    Args:
        capacity: words of the memory; None for the lowest height that any order reaches.
        bank_words: words of a bank (0: no banks).
        apart: for a buffer those that are read at the same time; where there is room they get other banks.

    Returns:
        Word address by buffer.
    """
    best: dict[int, int] | None = None
    lowest = None
    wishes = (apart, None) if apart and bank_words and capacity is not None else (None,)
    for wish in wishes:
        for order in _ORDERS:
            placed = _place_in_order(sorted(items, key=order), capacity, bank_words, wish or {})
            if placed is None:
                continue
            if capacity is not None:
                return placed
            top = height(items, placed)
            if lowest is None or top < lowest:
                best, lowest = placed, top
    return best


def height(items: Iterable[Item], placed: dict[int, int]) -> int:
    """Words up to the end of the highest buffer."""
    return max((placed[r.buffer] + r.words for item in items for r in item.rectangles), default=0)


def _place_in_order(
    items: list[Item], capacity: int | None, bank_words: int, apart: dict[int, set[int]]
) -> dict[int, int] | None:
    taken = _Taken()
    placed: dict[int, int] = {}
    ends: dict[int, int] = {}  # the last word of each buffer that is placed
    borders = bank_words if capacity is not None and apart else 0
    for item in items:
        most = None if capacity is None else capacity - item.words
        near = _read_together(item, placed, ends, bank_words, apart) if borders else []
        base, least = None, 0
        for first, last in _gaps(item, taken):
            if most is not None and first > most:
                break
            for candidate in _candidates(first, last, most, borders) if near else (first,):
                cost = _shared_banks(candidate, near, bank_words)
                if base is None or cost < least:
                    base, least = candidate, cost
                if not cost:
                    break
            if base is not None and not least:
                break
        if base is None:
            return None
        for r in item.rectangles:
            placed[r.buffer], ends[r.buffer] = base + r.offset, base + r.offset + r.words - 1
            taken.add(r.start, r.end, base + r.offset, base + r.offset + r.words)
    return placed


class _Taken:
    """Words that are taken for a time, found by the time: most are for a short one."""

    SPAN = 32
    """Steps that are looked up together."""

    def __init__(self) -> None:
        self._spans: dict[int, list[tuple[int, int, int, int]]] = {}

    def add(self, start: int, end: int, first: int, last: int) -> None:
        """Take words ``first`` to ``last`` - 1 from step ``start`` to ``end`` inclusive."""
        for span in range(start // self.SPAN, end // self.SPAN + 1):
            self._spans.setdefault(span, []).append((start, end, first, last))

    def between(self, start: int, end: int) -> Iterator[tuple[int, int]]:
        """Words (first, behind the last) that are taken at any time of these steps; some come twice."""
        for span in range(start // self.SPAN, end // self.SPAN + 1):
            for begin, until, first, last in self._spans.get(span, ()):
                if begin <= end and until >= start:
                    yield first, last


def _gaps(item: Item, taken: _Taken) -> Iterator[tuple[int, int | None]]:
    """Ranges of addresses, both ends included, at which an item finds all its words free.

    The lowest comes first; the last one has no end.
    """
    hindered = set()  # an address does not do where first < address < last
    for r in item.rectangles:
        near, far = r.offset + r.words, r.offset
        hindered.update((first - near, last - far) for first, last in taken.between(r.start, r.end))
    free = 0
    for first, last in sorted(hindered):
        if first >= free:
            yield free, first
        free = max(free, last)
    yield free, None


def _candidates(first: int, last: int | None, most: int | None, borders: int) -> list[int]:
    """Addresses in a gap that are tried: its ends, and where banks of so many words begin."""
    end = most if last is None or (most is not None and last > most) else last
    assert end is not None
    found = {first, *range(-(-first // borders) * borders, end + 1, borders)}
    return sorted(found | {end} if last == end else found)


def _read_together(
    item: Item, placed: dict[int, int], ends: dict[int, int], bank_words: int, apart: dict[int, set[int]]
) -> list[tuple[int, int, int, int]]:
    """For each pair that is read at the same time: first and last word of the item's buffer, counted from the
    item's base, and first and last bank of the one that is placed."""
    return [
        (r.offset, r.offset + r.words - 1, placed[other] // bank_words, ends[other] // bank_words)
        for r in item.rectangles
        for other in apart.get(r.buffer, ())
        if other in placed
    ]


def _shared_banks(base: int, near: Iterable[tuple[int, int, int, int]], bank_words: int) -> int:
    """How many pairs that are read together would share a bank."""
    return sum(
        (base + first) // bank_words <= last_bank and (base + last) // bank_words >= first_bank
        for first, last, first_bank, last_bank in near
    )
