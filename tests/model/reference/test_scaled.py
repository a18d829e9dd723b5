"""Scaled numbers against exact fractions, and division against the paper's recursion."""

from fractions import Fraction

import numpy as np
import pytest

from pointwise.model.reference import scaled
from pointwise.model.reference.scaled import P, Scaled, overflow

SEED = 11


def fraction(number: Scaled, index: int) -> Fraction:
    return Fraction(int(number.integer[index])) / Fraction(2) ** int(number.scale[index])


@pytest.fixture
def pair() -> tuple[Scaled, Scaled]:
    print(f"seed {SEED}")
    rng = np.random.default_rng(SEED)
    return tuple(Scaled(rng.integers(-127, 128, 2000), rng.integers(-2, 7, 2000)) for _ in range(2))


def test_a_real_number_is_the_nearest_at_its_largest_scale():
    values = np.array([15.25, 0.0, -1.0, 127.4, 127.6, -200.0, 2.0**-15, 1e9])
    number = Scaled.of(values)
    assert number.integer.tolist() == [122, 0, -64, 127, 64, -100, 1, 127]
    assert number.scale.tolist()[:7] == [3, 0, 6, 0, -1, -1, 15]
    assert number.scale[-1] == -16  # 127 · 2^16 is the largest number there is
    inside = np.random.default_rng(0).normal(size=1000)
    assert (np.abs(Scaled.of(inside).values - inside) <= np.abs(inside) / 126 + 2.0**-16).all()


@pytest.mark.parametrize(
    ("integer", "scale", "kept"),
    [
        (255, 3, (255, 3)),
        (256, 3, (128, 2)),
        (-98182, 15, (-191, 6)),
        (511, 0, (255, -1)),  # cut, not rounded
        (7, 17, (1, 15)),  # a scale beyond 5 bits
        (3, -18, (12, -16)),
        (200, -18, (255, -16)),  # all that 8 bits hold
    ],
)
def test_overflow_keeps_the_highest_bits(integer: int, scale: int, kept: tuple[int, int]):
    result = overflow(np.array(integer), np.array(scale))
    assert (int(result.integer), int(result.scale)) == kept


@pytest.mark.parametrize("name", ["multiply", "add", "subtract"])
def test_results_are_exact_up_to_the_bits_that_are_cut(name: str, pair: tuple[Scaled, Scaled]):
    exact = {"multiply": Fraction.__mul__, "add": Fraction.__add__, "subtract": Fraction.__sub__}[name]
    result = getattr(scaled, name)(*pair)
    assert np.abs(result.integer).max() < 1 << P
    for index in range(len(result.integer)):
        wanted, found = exact(fraction(pair[0], index), fraction(pair[1], index)), fraction(result, index)
        assert abs(found) <= abs(wanted) and abs(wanted - found) <= abs(wanted) / (1 << (P - 1))


def recursive(dividend: int, scale: int, divisor: int, total: Fraction, count: int) -> Fraction:
    """Algorithm 2, with "and" in line 1."""
    if (total.numerator and total * 2**scale > 2**P - 1) or count == 5 or dividend == 0:
        return total
    while dividend < divisor:
        dividend, scale = 2 * dividend, scale + 1
    quotient, rest = divmod(dividend, divisor)
    return recursive(rest, scale, divisor, total + Fraction(quotient, 2**scale), count + 1)


def test_division_is_the_papers_recursion(pair: tuple[Scaled, Scaled]):
    first, second = pair
    result = scaled.divide(first, second)
    for index in range(len(result.integer)):
        a, b = int(first.integer[index]), int(second.integer[index])
        if b == 0:
            assert result.integer[index] == 0
            continue
        quotient = recursive(abs(a), 0, abs(b), Fraction(0), 0)
        sign = -1 if (a < 0) != (b < 0) else 1
        wanted = sign * quotient / Fraction(2) ** int(first.scale[index] - second.scale[index])
        found = fraction(result, index)
        # P bits are kept, and scales end at 15.
        allowed = max(abs(wanted) / (1 << (P - 1)), Fraction(1, 1 << 15))
        assert abs(found) <= abs(wanted) and abs(wanted - found) <= allowed
        assert abs(wanted - fraction(first, index) / fraction(second, index)) <= abs(wanted) / 2 ** (4)


def test_sums_align_at_the_largest_scale():
    terms = Scaled(np.array([[3, 5, -100]]), np.array([[0, 4, 2]]))
    result = scaled.total(terms)
    # 3 · 16 + 5 − 100 · 4 = −347 at scale 4, of which 8 bits are kept.
    assert (result.integer.tolist(), result.scale.tolist()) == ([-173], [3])
