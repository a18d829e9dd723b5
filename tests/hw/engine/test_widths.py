"""The widths of the datapath hold everything that legal instructions, streams and memories can bring: the
claims of docs/arithmetic.md, from the largest numbers that there can be."""

import numpy as np
import pytest
from amaranth.hdl import Shape, signed, unsigned

from pointwise.hw.contract.config import MAX_CHANNELS
from pointwise.hw.contract.legal import CHANNEL_SHIFTS, MEAN_SHIFTS, NORM_SHIFTS, SHIFTS
from pointwise.hw.contract.sound import MEAN_TOLERANCE_BITS
from pointwise.hw.engine import layernorm, prologue, requantise, tags
from pointwise.hw.engine.primitives import ACCUMULATOR, ACTIVATION
from pointwise.model.integer.interpolation import (
    RECIPROCAL_INPUT_BITS,
    RSQRT_INPUT_BITS,
    reciprocal,
    reciprocal_sqrt,
)
from pointwise.model.integer.layernorm import NormConstants, statistics
from pointwise.model.integer.rounding import round_shift
from pointwise.model.integer.softmax import divide

INT16 = (-32768, 32767)
LANE = (-128, 255)
WEIGHT = (-128, 127)


def fits(low: int, high: int, shape: Shape) -> bool:
    """Whether a range is inside of a shape."""
    least, most = (
        (-1 << shape.width - 1, (1 << shape.width - 1) - 1) if shape.signed else (0, (1 << shape.width) - 1)
    )
    return least <= low and high <= most


def tightly(low: int, high: int, shape: Shape) -> bool:
    """Whether it is, and not inside of a shape with a bit less."""
    return fits(low, high, shape) and not fits(low, high, Shape(shape.width - 1, shape.signed))


def test_products_and_sums_of_the_array() -> None:
    products = [a * w for a in LANE for w in WEIGHT]
    assert fits(*LANE, ACTIVATION) and fits(min(products), max(products), signed(16))
    assert fits(MAX_CHANNELS * min(products), MAX_CHANNELS * max(products), ACCUMULATOR)


def test_requantisation() -> None:
    low = -(1 << 31) + -(1 << 31)
    assert tightly(low, (1 << 32) - 2, signed(33))
    assert tightly(low * 65535, ((1 << 32) - 2) * 65535, signed(49))
    assert SHIFTS[1] - 1 < 1 << 6


def test_row_sums_and_quotients() -> None:
    most = 255 * MAX_CHANNELS
    assert tightly(0, most, unsigned(tags.ROW_SUM_BITS)) and tags.ROW_SUM_BITS == RECIPROCAL_INPUT_BITS
    mult, leading = reciprocal(np.arange(1, most + 1))
    assert leading.max() < 1 << tags.LEADING_BITS and mult.max() < 1 << tags.MULT_BITS
    # Of a sum S of exponentials the accumulator is between −128 · S and 127 · S.
    assert tightly(-128 * most, 127 * most, signed(requantise.DIVIDEND_BITS))
    totals = np.arange(1, most + 1)
    quotients = divide(np.stack([-128 * totals, 127 * totals], axis=1), totals)
    assert np.abs(quotients).max() <= 2**19 + 2**5
    # In hardware the large steps of the shift come first; what is left of them waits in 39 bits.
    steps = 3 + 8 * (leading >> 3)
    assert fits(
        int((-128 * totals * mult >> steps).min()), int((127 * totals * mult >> steps).max()), signed(39)
    )


def test_sums_of_a_token() -> None:
    low, high = (MAX_CHANNELS * value for value in INT16)
    assert tightly(low, high, signed(layernorm.TOTAL_BITS))
    assert tightly(0, MAX_CHANNELS * INT16[0] ** 2, unsigned(layernorm.SQUARES_BITS))


def largest_means() -> tuple[np.ndarray, ...]:
    """For every H and mean_shift the largest legal mean_mult."""
    channels, shift = np.meshgrid(np.arange(1, MAX_CHANNELS + 1), np.arange(MEAN_SHIFTS[0], 45))
    whole = ((1 << MEAN_TOLERANCE_BITS) + 1 << shift) >> MEAN_TOLERANCE_BITS
    return channels, np.minimum(whole // channels, 65535), shift


def test_mean_and_what_is_left_without_it() -> None:
    channels, mult, shift = largest_means()
    ends = []
    for value in INT16:
        mean = round_shift(channels * value * mult, shift - 8)
        ends.append((int(mean.min()), int(mean.max())))
    low, high = min(end[0] for end in ends), max(end[1] for end in ends)
    assert (low, high) == (-(2**23) - 2**7, 2**23 - 2**8 + 2**7) and tightly(low, high, signed(25))
    centres = [int(round_shift(np.array(end), 7)) for end in (low, high)]
    assert tightly(*centres, signed(tags.MEAN_BITS))
    # Whatever statistics a token has: they need not even be its own.
    left = [2 * value - centre for value in INT16 for centre in centres]
    assert tightly(min(left), max(left), prologue.CENTRED)
    assert tightly(min(left) * 65535, max(left) * 65535, prologue.PRODUCT)


def test_spread() -> None:
    """Σx² − Σx · mean + epsilon: with the mean's sign that of Σx, what is taken away is never negative."""
    channels, mult, shift = largest_means()
    for value in INT16:
        mean = round_shift(channels * value * mult, shift - 8)
        removed = round_shift(channels * value * mean, 8)
        assert removed.min() >= 0
        least = channels * value**2 - removed
        assert fits(int(least.min()), int(least.max()), signed(layernorm.SPREAD_BITS + 2))
    most = MAX_CHANNELS * INT16[0] ** 2 + (1 << 32) - 1
    assert fits(0, most, unsigned(layernorm.SPREAD_BITS)) and layernorm.SPREAD_BITS == RSQRT_INPUT_BITS


@pytest.mark.parametrize("value", [1, (1 << RSQRT_INPUT_BITS) - 1])
def test_shifts_of_a_token(value: int) -> None:
    _, half = reciprocal_sqrt(np.array([value]))
    constants = NormConstants(0, MEAN_SHIFTS[0], 65535, NORM_SHIFTS[1], value if value < 1 << 32 else 0)
    _, _, shift = statistics(np.array([0]), np.array([value if value >= 1 << 32 else 0]), constants)
    assert shift.item() == half.item() + NORM_SHIFTS[1] + 1 < 1 << tags.NORM_SHIFT_BITS
    assert 1 <= shift.item() + CHANNEL_SHIFTS[1] <= 63  # what round_shift takes
