"""Placing buffers with lifetimes in a memory of words: the offline form of dynamic storage allocation.

Largest first, each at the lowest address at which no buffer that lives at the same time is in the way.
Buffers that must follow one another are one item of several rectangles, each with its own lifetime, so that
what dies early may lie where a neighbour will be written late (Q of a head in the room of its own output)."""

from collections.abc import Iterable
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
    total = sum(len(item.rectangles) for item in items)
    taken = np.zeros((4, total), np.int64)  # start, end, first word, word after the last
    count = 0
    placed: dict[int, int] = {}
    columns: dict[int, int] = {}  # of ``taken``, by buffer
    for item in items:
        low, high = [], []  # item base b collides where low < b < high
        for r in item.rectangles:
            start, end, first, last = taken[:, :count]
            same_time = (start <= r.end) & (end >= r.start)
            low.append(first[same_time] - r.offset - r.words)
            high.append(last[same_time] - r.offset)
        below, above = np.concatenate(low), np.concatenate(high)
        borders = (
            np.arange(0, capacity, bank_words) if capacity and bank_words and apart else np.zeros(1, np.int64)
        )
        candidates = np.concatenate([above, below, borders])
        candidates = candidates[candidates >= 0]
        if capacity is not None:
            candidates = candidates[candidates + item.words <= capacity]
        candidates = np.array(sorted(set(candidates.tolist())), np.int64)
        free = ~np.any((candidates[:, None] > below) & (candidates[:, None] < above), axis=1)
        candidates = candidates[free]
        if not len(candidates):
            return None
        cost = _shared_banks(item, candidates, columns, taken, bank_words, apart)
        base = int(candidates[np.argmin(cost)])  # the first of the least, and candidates ascend
        for r in item.rectangles:
            placed[r.buffer] = base + r.offset
            columns[r.buffer] = count
            taken[:, count] = (r.start, r.end, base + r.offset, base + r.offset + r.words)
            count += 1
    return placed


def _shared_banks(
    item: Item,
    candidates: np.ndarray,
    columns: dict[int, int],
    taken: np.ndarray,
    bank_words: int,
    apart: dict[int, set[int]],
) -> np.ndarray:
    """For each candidate base: how many pairs that are read together would share a bank."""
    cost = np.zeros(len(candidates), np.int64)
    if not apart or not bank_words:
        return cost
    for r in item.rectangles:
        first = (candidates + r.offset) // bank_words
        last = (candidates + r.offset + r.words - 1) // bank_words
        for other in apart.get(r.buffer, ()):
            if other in columns:
                other_first, other_end = taken[2:, columns[other]]
                cost += (first <= (other_end - 1) // bank_words) & (last >= other_first // bank_words)
    return cost
