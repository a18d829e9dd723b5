"""Placing rectangles of words and time."""

import numpy as np
import pytest

from pointwise.model.compiler.placement import Item, Rectangle, height, peak, place


def random_items(seed: int, count: int = 40, steps: int = 30) -> list[Item]:
    rng = np.random.default_rng(seed)
    items, buffer = [], 0
    while buffer < count:
        rectangles, offset = [], 0
        for _ in range(int(rng.integers(1, 4)) if rng.integers(4) == 0 else 1):
            start = int(rng.integers(0, steps))
            words = int(rng.integers(1, 20))
            rectangles.append(
                Rectangle(buffer, offset, words, start, min(steps - 1, start + int(rng.integers(0, 6))))
            )
            offset += words
            buffer += 1
        items.append(Item(tuple(rectangles)))
    return items


def assert_disjoint(items: list[Item], placed: dict[int, int]) -> None:
    """No word is two buffers' at once: drawn out in a table of steps and words."""
    table = np.zeros((64, height(items, placed)), int)
    for item in items:
        base = placed[item.rectangles[0].buffer]
        for r in item.rectangles:
            assert placed[r.buffer] == base + r.offset
            table[r.start : r.end + 1, placed[r.buffer] : placed[r.buffer] + r.words] += 1
    assert table.max() == 1


@pytest.mark.parametrize("seed", range(20))
def test_nothing_overlaps_and_little_is_lost(seed: int):
    items = random_items(seed)
    placed = place(items, None)
    assert_disjoint(items, placed)
    needed = peak(items, 30).max()
    assert needed <= height(items, placed) <= 1.25 * needed


@pytest.mark.parametrize("seed", range(10))
def test_a_capacity_is_kept_or_refused(seed: int):
    items = random_items(seed)
    reached = height(items, place(items, None))
    placed = place(items, reached)
    assert_disjoint(items, placed)
    assert height(items, placed) <= reached
    assert place(items, int(peak(items, 30).max()) - 1) is None


def test_what_dies_early_may_lie_where_a_neighbour_is_written_late():
    """Q of a head takes the room of that head's output."""
    outputs = Item((Rectangle(0, 0, 8, 2, 6), Rectangle(1, 8, 8, 5, 6)))
    items = [outputs, Item((Rectangle(2, 0, 8, 0, 1),)), Item((Rectangle(3, 0, 8, 3, 4),))]
    placed = place(items, 16)
    assert_disjoint(items, placed)


def test_buffers_read_together_get_different_banks_where_there_is_room():
    items = [Item((Rectangle(index, 0, 4, 0, 1),)) for index in range(3)]
    apart = {0: {1}, 1: {0}}
    placed = place(items, 32, bank_words=16, apart=apart)
    assert placed[0] // 16 != placed[1] // 16
    assert_disjoint(items, placed)
    assert place(items, 12, bank_words=6, apart=apart) is not None, "room comes before wishes"
