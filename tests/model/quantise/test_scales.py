"""Factors as multiplier and shift, and the constants of LayerNorm."""

import math
from fractions import Fraction

import numpy as np
import pytest

from pointwise.hw.contract.errors import PointwiseError
from pointwise.hw.contract.legal import SHIFTS
from pointwise.model.quantise.scales import fixed_point, mantissa, norm_constants

SEED = 7


def test_mantissa_is_the_nearest_of_sixteen_bits():
    print(f"seed {SEED}")
    rng = np.random.default_rng(SEED)
    for factor in [*np.exp(rng.uniform(np.log(2.0**-32), np.log(2.0**15), 2000)).tolist(), 1.0, 0.5, 1 / 3]:
        mult, shift = mantissa(factor, SHIFTS, "x")
        assert 2**15 <= mult < 2**16
        assert 1 <= shift <= 47
        error = abs(Fraction(mult, 2**shift) - Fraction(factor))
        assert error <= Fraction(1, 2 ** (shift + 1))
        assert error <= Fraction(factor) / 2**16


def test_mantissa_that_rounds_to_the_next_power_of_two():
    assert mantissa(1 - 2.0**-20, SHIFTS, "x") == (2**15, 15)


def test_the_outermost_factors_fit_and_the_next_do_not():
    assert mantissa(2.0**-32, SHIFTS, "x") == (2**15, 47)
    assert mantissa(65535 / 2, SHIFTS, "x") == (65535, 1)
    for factor in (2.0**-32 * (1 - 2.0**-10), 2.0**15):
        with pytest.raises(PointwiseError, match=r"scale factor of head is .* cannot multiply"):
            mantissa(factor, SHIFTS, "head")


@pytest.mark.parametrize("factor", [0.0, -1.0, math.inf, math.nan])
def test_a_factor_must_be_positive_and_finite(factor):
    with pytest.raises(PointwiseError, match="must be positive and finite"):
        mantissa(factor, SHIFTS, "x")


def test_fixed_point_has_the_types_of_the_hardware():
    mult, shift = fixed_point(np.array([0.5, 1e-4]), "x")
    assert (mult.dtype, shift.dtype) == (np.uint16, np.uint8)
    assert mult.tolist() == [2**15, round(1e-4 * 2**29)]
    assert shift.tolist() == [16, 29]


@pytest.mark.parametrize("channels", [1, 2, 48, 192, 384, 768, 4096])
@pytest.mark.parametrize("step", [0.004, 0.03, 0.5])
def test_norm_constants_hold_what_they_stand_for(channels, step):
    constants = norm_constants(channels, step, 1e-3, 1e-6, "norm")
    assert constants.mean_mult * 2.0**-constants.mean_shift == pytest.approx(1 / channels, rel=2**-16)
    assert constants.norm_mult * 2.0**-constants.norm_shift == pytest.approx(channels**0.5 / step, rel=2**-16)
    assert constants.epsilon == channels
    assert 9 <= constants.mean_shift <= 63
    assert 21 + constants.norm_shift + 1 + 15 <= 63


def test_epsilon_rounds_half_up_and_is_at_least_one():
    assert norm_constants(5, 0.03, 1.0, 0.5, "norm").epsilon == 3
    assert norm_constants(48, 0.03, 1.0, 1e-6, "norm").epsilon == 1


def test_constants_that_do_not_fit_are_told_in_a_sentence():
    with pytest.raises(PointwiseError, match="epsilon 1e-06 does not fit 32 bits"):
        norm_constants(48, 0.03, 1e-8, 1e-6, "norm")
    with pytest.raises(PointwiseError, match="deviation of norm"):
        norm_constants(48, 1e-6, 1e-3, 1e-6, "norm")
