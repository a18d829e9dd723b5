"""1/v and 1/√v in integers: a table of chords, and one multiplication."""

import numpy as np

SEGMENTS = 128
OFFSET_BITS = 10


def round_shift(value: np.ndarray, shift: np.ndarray | int) -> np.ndarray:
    """⌊value / 2^shift + ½⌋ of any int64, shift 1..63."""
    half = np.asarray(value, np.int64) >> np.asarray(shift, np.int64) - 1
    return (half >> 1) + (half & 1)


def _chords(start: np.ndarray, end: np.ndarray, curve) -> tuple[np.ndarray, np.ndarray]:
    """`value` and `drop`, in 2^-17, of the segments of a curve; each chord lies as much above it as below."""
    above = (curve(start) + curve(end)) / 2 - curve((start + end) / 2)
    value = np.minimum(np.rint((curve(start) - above / 2) * 2**17), 2**17 - 1)
    drop = np.rint((curve(start) - curve(end)) * 2**17)
    return value.astype(np.int64), drop.astype(np.int64)


def _reciprocal_table() -> tuple[np.ndarray, np.ndarray]:
    start = 1 + np.arange(SEGMENTS) / SEGMENTS
    return _chords(start, start + 1 / SEGMENTS, lambda f: 1 / f)


def _root_table() -> tuple[np.ndarray, np.ndarray]:
    """Even l first: f of 1..2, then odd l: 2f of 2..4."""
    half = SEGMENTS // 2
    octave = 1 + np.arange(half) / half
    start = np.concatenate([octave, 2 * octave])
    return _chords(start, start + np.repeat([1, 2], half) / half, lambda f: f**-0.5)


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
