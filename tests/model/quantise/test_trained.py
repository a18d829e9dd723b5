"""What training has fixed reaches the integers as it is."""

import numpy as np
import pytest

from pointwise.hw.contract.errors import PointwiseError
from pointwise.model.quantise.moments import Moments
from pointwise.model.quantise.trained import WeightQuantisation, stored_bits
from pointwise.model.quantise.weights import quantise_rows


@pytest.mark.parametrize(
    ("bits", "largest", "stored"), [(2, 1, 2), (3, 3, 4), (4, 7, 4), (5, 15, 8), (8, 127, 8)]
)
def test_a_grid_is_the_whole_range_of_its_bits(bits: int, largest: int, stored: int):
    grid = WeightQuantisation.of(bits, 3)
    assert grid.bits == stored and grid.largest.tolist() == [largest] * 3
    rows = quantise_rows(np.random.default_rng(0).normal(size=(3, 40)), np.zeros(3), 0.1, "x", grid=grid)
    assert np.abs(rows.weight).max() == largest and rows.weight_bits == stored


@pytest.mark.parametrize("bits", [1, 9])
def test_other_widths_are_refused(bits: int):
    with pytest.raises(PointwiseError, match=f"Weights of {bits} bits"):
        stored_bits(bits)


@pytest.mark.parametrize("bits", [2, 4, 8])
def test_weights_on_a_grid_keep_their_integers(bits: int):
    """Whatever their steps, and though no row need use the whole of its range, and some are all zero."""
    rng = np.random.default_rng(bits)
    high = (1 << (bits - 1)) - 1
    integers = rng.integers(-high, high + 1, (50, 16))
    integers[7] = 0
    integers[8] = np.clip(integers[8], -1, 1)
    steps = rng.uniform(1e-4, 3, 50)
    weight = (integers * steps[:, None]).astype(np.float32).astype(np.float64)
    grid = WeightQuantisation(bits, np.abs(integers).max(axis=1))
    inputs = Moments(rng.normal(size=16), np.full(16, 2.0))
    rows = quantise_rows(weight * 0.0371, rng.normal(size=50), 0.01, "x", inputs, grid=grid)
    assert np.array_equal(rows.weight, integers)
