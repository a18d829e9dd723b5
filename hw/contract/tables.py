"""Tables of the reciprocal and of the reciprocal square root, shared by the integer functions and the ROMs.

Both functions are linear interpolations over segments of a mantissa f. A segment holds a value v and a drop
d: the result is v − ((d·δ + half) >> DELTA_BITS), with δ the offset in the segment in DELTA_BITS bits. Values
are in units of
2⁻¹⁷ and are chosen so that the error of the chord is split evenly above and below.
"""

from functools import cache

DELTA_BITS = 10
VALUE_BITS = 17
RECIPROCAL_SEGMENTS = 128
RSQRT_SEGMENTS = 64
"""Segments in each of the octaves [1, 2) and [2, 4)."""


def _segments(function, start: float, width: float, count: int) -> list[tuple[int, int]]:
    """(value, drop) of ``count`` segments; the chord is shifted down by half of its largest error."""
    unit = 1 << VALUE_BITS
    rows = []
    for index in range(count):
        left = start + index * width
        low, high = function(left), function(left + width)
        sag = (low + high) / 2 - function(left + width / 2)
        value = min(unit - 1, round(unit * (low - sag / 2)))
        drop = round(unit * (low - high))
        rows.append((value, drop))
    return rows


@cache
def reciprocal_table() -> tuple[tuple[int, int], ...]:
    """(value, drop) for 1/f, f in [1, 2)."""
    return tuple(_segments(lambda f: 1 / f, 1.0, 1 / RECIPROCAL_SEGMENTS, RECIPROCAL_SEGMENTS))


@cache
def rsqrt_table() -> tuple[tuple[int, int], ...]:
    """(value, drop) for 1/√f: 64 segments of [1, 2), then 64 of [2, 4)."""
    first = _segments(lambda f: f**-0.5, 1.0, 1 / RSQRT_SEGMENTS, RSQRT_SEGMENTS)
    second = _segments(lambda f: f**-0.5, 2.0, 2 / RSQRT_SEGMENTS, RSQRT_SEGMENTS)
    return tuple(first + second)
