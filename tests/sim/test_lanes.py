"""Packing of lanes, against arithmetic on Python ints."""

import numpy as np
import pytest

from pointwise.sim.lanes import pack_lanes, pack_rows, unpack_lanes, unpack_rows


def slowly_packed(values, width):
    return sum((int(value) & ((1 << width) - 1)) << index * width for index, value in enumerate(values))


@pytest.mark.parametrize("width", [1, 3, 7, 8, 9, 16, 19, 24, 32, 33, 63, 64])
@pytest.mark.parametrize("lanes", [1, 5, 16])
def test_packs_as_arithmetic_says_and_back(width, lanes):
    rng = np.random.default_rng(width * 100 + lanes)
    low, high = -(1 << width - 1), (1 << width - 1) - 1
    signed = rng.integers(low, high, size=(7, lanes), endpoint=True)
    signed[0, :], signed[1, :] = low, high
    words = pack_rows(signed, width)
    assert words == [slowly_packed(row, width) for row in signed]
    assert np.array_equal(unpack_rows(words, lanes, width, signed=True), signed)
    if width < 64:
        unsigned = signed & ((1 << width) - 1)
        assert pack_rows(unsigned, width) == words
        assert np.array_equal(unpack_rows(words, lanes, width, signed=False), unsigned)


def test_lane_zero_is_the_lowest():
    assert pack_lanes([1, -1, 2], 8) == 0x02FF01
    assert unpack_lanes(0x02FF01, 3, 8, signed=True).tolist() == [1, -1, 2]
    assert unpack_lanes(0x02FF01, 3, 8, signed=False).tolist() == [1, 255, 2]


def test_narrow_arrays_and_the_full_range_of_64_bits():
    assert pack_lanes(np.array([-128, 127], np.int8), 8) == 0x7F80
    assert pack_lanes(np.array([2**64 - 1], np.uint64), 64) == 2**64 - 1
    assert pack_rows(np.zeros((0, 4), np.int8), 8) == []
    assert unpack_rows([], 4, 8, signed=True).shape == (0, 4)


@pytest.mark.parametrize(("values", "width"), [([256], 8), ([-129], 8), ([0.5], 8), ([0], 0), ([0], 65)])
def test_refuses_what_does_not_fit(values, width):
    with pytest.raises(ValueError, match=r"fit|cannot"):
        pack_lanes(values, width)


@pytest.mark.parametrize(("word", "signed", "width"), [(1 << 32, True, 8), (-1, True, 8), (0, False, 64)])
def test_refuses_words_of_another_shape(word, signed, width):
    with pytest.raises(ValueError, match=r"no vector|do not fit"):
        unpack_rows([word], 4, width, signed=signed)
