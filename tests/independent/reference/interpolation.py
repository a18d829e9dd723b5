"""1/v and 1/√v in integers: a table of chords, and one multiplication."""

import numpy as np

SEGMENTS = 128
OFFSET_BITS = 10


def round_shift(value: np.ndarray, shift: np.ndarray | int) -> np.ndarray:
    """⌊value / 2^shift + ½⌋ of int64, |value| < 2^62, shift ≥ 1 (past 63 the result is that of 63)."""
    shift = np.minimum(np.asarray(shift, np.int64), 63)
    return (np.asarray(value, np.int64) >> shift - 1) + 1 >> 1


def _chords(start: np.ndarray, end: np.ndarray, curve, touch) -> tuple[np.ndarray, np.ndarray]:
    """`value` and `drop` in 2^-17 for a convex curve over segments start..end.

    `touch` gives the place at which a tangent has the slope of the chord; there the chord errs most. It is
    lowered by half of that.
    """
    slope = (curve(end) - curve(start)) / (end - start)
    place = touch(slope)
    error = curve(start) + slope * (place - start) - curve(place)
    value = np.rint((curve(start) - error / 2) * 2**17)
    drop = np.rint((curve(start) - curve(end)) * 2**17)
    return value.astype(np.int64), drop.astype(np.int64)


def _reciprocal_table() -> tuple[np.ndarray, np.ndarray]:
    start = 1 + np.arange(SEGMENTS) / SEGMENTS
    return _chords(start, start + 1 / SEGMENTS, lambda f: 1 / f, lambda slope: (-slope) ** -0.5)


def _root_table() -> tuple[np.ndarray, np.ndarray]:
    """Even l first: f of 1..2, then odd l: 2f of 2..4."""
    half = SEGMENTS // 2
    octave = 1 + np.arange(half) / half
    start = np.concatenate([octave, 2 * octave])
    end = start + np.repeat([1, 2], half) / half
    return _chords(start, end, lambda f: f**-0.5, lambda slope: (-2 * slope) ** (-2 / 3))


RECIPROCAL = _reciprocal_table()
ROOT = _root_table()


def _leading_one(value: np.ndarray) -> np.ndarray:
    """⌊log₂ value⌋ of integers 1..2^53."""
    return np.frexp(value.astype(np.float64))[1].astype(np.int64) - 1


def _chord(table: tuple[np.ndarray, np.ndarray], index: np.ndarray, offset: np.ndarray) -> np.ndarray:
    value, drop = table
    chord = value[index] - round_shift(drop[index] * offset, OFFSET_BITS)
    return np.minimum(chord + 1 >> 1, 65535)


def reciprocal(value: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(mult, l): 1/value ≈ mult · 2^−(16 + l)."""
    exponent = _leading_one(value)
    fraction = (value << 17 >> exponent) & (1 << 17) - 1
    return _chord(RECIPROCAL, fraction >> OFFSET_BITS, fraction & (1 << OFFSET_BITS) - 1), exponent


def reciprocal_sqrt(value: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(mult, h): 1/√value ≈ mult · 2^−(16 + h), h = ⌊l / 2⌋."""
    exponent = _leading_one(value)
    fraction = (value << 16 >> exponent) & (1 << 16) - 1
    index = (exponent & 1) * (SEGMENTS // 2) + (fraction >> OFFSET_BITS)
    return _chord(ROOT, index, fraction & (1 << OFFSET_BITS) - 1), exponent >> 1
