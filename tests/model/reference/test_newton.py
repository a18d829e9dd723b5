"""Table 2 digit by digit, and where the paper's seed does not reach."""

import numpy as np
import pytest

from pointwise.model.integer.interpolation import reciprocal_sqrt
from pointwise.model.reference.newton import ITERATIONS, inverse_sqrt, newton_float
from pointwise.model.reference.scaled import Scaled
from pointwise.model.reference.table2 import PUBLISHED, iterates_of_table2

FLOAT = {0: 0.015625, 2: 0.0350, 4: 0.0772, 6: 0.1576, 8: 0.2426}
"""The column "Eq. (9) using FP64", as printed: cut to four digits."""


def test_table_2_digit_by_digit():
    steps = iterates_of_table2()
    assert {index: steps[index][0] for index in PUBLISHED} == {0: 1, 2: 5, 4: 12, 6: 25, 8: 33} == PUBLISHED
    assert [steps[index][1] for index in PUBLISHED] == [6, 7, 7, 7, 7]
    for index, printed in FLOAT.items():
        assert 0 <= steps[index][2] - printed < 1e-4
    assert f"{steps[8][0] / 2 ** steps[8][1]:.4f}" == "0.2578"


def test_ordinary_variances_converge():
    variance = np.geomspace(0.05, 50, 200)
    found = inverse_sqrt(Scaled.of(variance)).values
    assert np.abs(found * np.sqrt(variance) - 1).max() < 0.05


def ours(variance: np.ndarray) -> np.ndarray:
    """Our inverse root of the same numbers, as integers with 24 fraction bits."""
    mult, half = reciprocal_sqrt(np.floor(variance * 2**24 + 0.5).astype(np.int64))
    return mult * 2.0 ** -(16 + half) * 2**12


@pytest.mark.parametrize("variance", [1e-4, 3.2e-5])
def test_the_seed_does_not_reach_small_variances(variance: float):
    """Twenty iterations from 1/64 can at most multiply by 1.5 each, whatever the arithmetic."""
    x = np.array([variance])
    bound = (1.5**ITERATIONS) / 64
    exact = variance**-0.5
    assert newton_float(x)[0] <= bound < exact
    assert newton_float(x)[0] < 0.5 * exact
    scaled = Scaled.of(x)
    assert scaled.integer[0] > 0
    assert inverse_sqrt(scaled).values[0] < 0.6 * scaled.values[0] ** -0.5
    assert abs(ours(x)[0] / exact - 1) < 1e-3  # 24 fraction bits hold 3.2e-5 to one part in a thousand


def test_large_variances_diverge_from_the_seed():
    x = np.array([13000.0])
    assert newton_float(x)[0] < 0
    assert inverse_sqrt(Scaled.of(x)).values[0] <= 0
    assert abs(ours(x)[0] * np.sqrt(13000) - 1) < 4e-5
