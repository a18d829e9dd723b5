"""Every integer function against a second reading of its documentation, at random, at ties and at the
extremes."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from pointwise.hw.contract.legal import MEAN_SHIFTS
from pointwise.model.integer.convolution import convolve
from pointwise.model.integer.interpolation import reciprocal, reciprocal_sqrt
from pointwise.model.integer.layernorm import NormConstants, normalise, statistics, token_sums
from pointwise.model.integer.requantise import add_residual, look_up, requantise
from pointwise.model.integer.rounding import INT8, INT16, UINT8, round_shift, saturate
from pointwise.model.integer.softmax import divide, exponentials
from pointwise.model.quantise.scales import mantissa, norm_constants
from tests.model.integer import reference

SEED = 20240


@pytest.fixture
def rng() -> np.random.Generator:
    print(f"seed {SEED}")
    return np.random.default_rng(SEED)


# Rounding ---------------------------------------------------------------------------------------------------


def test_round_shift_takes_ties_towards_plus_infinity():
    assert round_shift(np.array([1, 3, -1, -3, 5, -5]), 1).tolist() == [1, 2, 0, -1, 3, -2]
    assert round_shift(np.array([2, 6, -2, -6]), 2).tolist() == [1, 2, 0, -1]


def test_round_shift_equals_fractions_for_every_shift(rng):
    edge = [0, 1, -1, 2**63 - 1, -(2**63), 2**62 - 1, -(2**62) + 1, 2**31 - 1, -(2**31)]
    for shift in range(1, 64):
        half = 2 ** (shift - 1)
        values = edge + [v for v in (half, -half, half - 1, -half - 1, 3 * half) if abs(v) < 2**63]
        values += [int(v) for v in rng.integers(-(2**63), 2**63 - 1, 50)]
        got = round_shift(np.array(values, np.int64), shift).tolist()
        assert got == [reference.scaled(value, shift) for value in values], shift


def test_saturate_includes_both_limits():
    assert saturate(np.array([-129, -128, 127, 128]), *INT8).tolist() == [-128, -128, 127, 127]
    assert saturate(np.array([-1, 0, 255, 256]), *UINT8).tolist() == [0, 0, 255, 255]
    assert saturate(np.array([-32769, 32768]), *INT16).tolist() == [-32768, 32767]


# Requantisation ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("limits", [INT8, UINT8, INT16])
def test_requantise_equals_fractions(rng, limits):
    count = 400
    acc = rng.integers(-(2**31), 2**31, count) >> rng.integers(0, 31, count)
    bias = rng.integers(-(2**31), 2**31, count) >> rng.integers(0, 31, count)
    mult, shift = rng.integers(0, 2**16, count), rng.integers(1, 48, count)
    acc[:4], bias[:4] = [2**31 - 1, -(2**31), 2**31 - 1, -(2**31)], [2**31 - 1, -(2**31), 2**31 - 1, -(2**31)]
    mult[:4], shift[:4] = 65535, [1, 1, 47, 47]
    got = requantise(acc[None], bias, mult, shift, limits)[0].tolist()
    rows = zip(acc.tolist(), bias.tolist(), mult.tolist(), shift.tolist(), strict=True)
    expected = [reference.requantise(*row, *limits) for row in rows]
    assert got == expected


def test_requantise_rounds_exact_ties_up():
    acc = np.array([[1], [-1], [3], [-3], [127], [-255]])
    result = requantise(acc, np.array([0]), np.array([32768]), np.array([16]), INT8)
    assert result.ravel().tolist() == [1, 0, 2, -1, 64, -127]


@pytest.mark.parametrize("value", [2**31 - 1, -(2**31)])
def test_requantise_keeps_its_largest_product_whole(value):
    # 33 bits of accumulator and bias times 16 bits of multiplier; shifted so that its last bits still show.
    limits = (-(2**62), 2**62)
    got = requantise(np.array([[value]]), np.array([value]), np.array([65535]), np.array([1]), limits)
    assert got.item() == reference.rounded(Fraction(2 * value * 65535, 2))
    assert abs(2 * value * 65535) < 2**48


def test_look_up_reads_negative_indices_behind_the_positive_ones():
    table = np.arange(256)
    assert look_up(np.array([0, 127, -128, -1]), table).tolist() == [0, 127, 128, 255]


def test_add_residual_saturates():
    old, new = np.array([32767, -32768, 5, -32768]), np.array([1, -1, -7, 32767])
    assert add_residual(old, new).tolist() == [32767, -32768, -2, -1]


# The array --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("tokens", "k", "n"), [(1, 1, 1), (1, 7, 3), (5, 1, 2), (3, 48, 1), (4, 33, 17)])
def test_convolve_equals_integers(rng, tokens, k, n):
    activations = rng.integers(-128, 256, (tokens, k))
    weights = rng.integers(-128, 128, (n, k))
    expected = reference.convolve(activations.tolist(), weights.tolist())
    assert convolve(activations, weights).tolist() == expected


def test_convolve_is_exact_at_its_largest():
    worst = convolve(np.full((1, 4096), 255), np.full((1, 4096), -128)).item()
    assert worst == -4096 * 255 * 128
    assert abs(worst) < 2**31


# Reciprocals ------------------------------------------------------------------------------------------------


def test_reciprocal_of_every_input_is_within_its_bound():
    value = np.arange(1, 2**20)
    mult, leading = reciprocal(value)
    assert mult.min() >= 2**15 - 2
    assert mult.max() <= 65535
    # mult · value against 2^(16 + leading), in integers: no rounding of the check itself.
    whole = np.int64(1) << (16 + leading)
    assert (np.abs(mult * value - whole) * 10**7 <= 350 * whole).all()


def test_reciprocal_equals_the_second_reading(rng):
    values = [*range(1, 600), *(2**k + d for k in range(10, 20) for d in (-1, 0, 1)), 2**20 - 1]
    values += rng.integers(1, 2**20, 500).tolist()
    mult, leading = reciprocal(np.array(values))
    expected = [reference.reciprocal(v) for v in values]
    assert list(zip(mult.tolist(), leading.tolist(), strict=True)) == expected


def rsqrt_inputs(rng: np.random.Generator) -> list[int]:
    values = [*range(1, 1200), *(2**k + d for k in range(11, 44) for d in (-1, 0, 1)), 2**44 - 1]
    return values + (rng.integers(1, 2**44, 3000) >> rng.integers(0, 44, 3000)).clip(min=1).tolist()


def test_reciprocal_sqrt_equals_the_second_reading(rng):
    values = rsqrt_inputs(rng)
    mult, half = reciprocal_sqrt(np.array(values))
    expected = [reference.reciprocal_sqrt(v) for v in values]
    assert list(zip(mult.tolist(), half.tolist(), strict=True)) == expected


def test_reciprocal_sqrt_is_within_its_bound(rng):
    values = rsqrt_inputs(rng)
    mult, half = reciprocal_sqrt(np.array(values))
    low, high = (1 - Fraction(4, 10**5)) ** 2, (1 + Fraction(4, 10**5)) ** 2
    for value, m, h in zip(values, mult.tolist(), half.tolist(), strict=True):
        assert low <= Fraction(m * m * value, 4 ** (16 + h)) <= high, value
        assert 0 <= h <= 21
        assert m <= 65535


def test_reciprocal_sqrt_meets_60_db(rng):
    values = np.array(rsqrt_inputs(rng))
    mult, half = reciprocal_sqrt(values)
    error = mult * 2.0 ** -(16.0 + half) * np.sqrt(values) - 1
    assert -10 * np.log10(np.mean(error**2)) >= 60


# LayerNorm --------------------------------------------------------------------------------------------------


def tokens_of(rng: np.random.Generator, channels: int) -> np.ndarray:
    """Tokens of int16: random of several sizes, and the extremes."""
    rows = [rng.integers(-(2**size), 2**size, channels) for size in (0, 3, 8, 12, 15)]
    rows += [np.full(channels, value) for value in (0, 1, -1, 32767, -32768)]
    one_off = np.full(channels, -32768)
    one_off[0] = 32767
    alternating = np.where(np.arange(channels) % 2, 32767, -32768)
    return np.stack([*rows, one_off, -1 - one_off, alternating])


@pytest.mark.parametrize("channels", [1, 2, 3, 48, 192, 768, 4096])
def test_statistics_and_normalise_equal_the_second_reading(rng, channels):
    tokens = tokens_of(rng, channels)
    constants = norm_constants(channels, 0.03, 6e-4, 1e-6, "a norm")
    mean, mult, shift = statistics(*token_sums(tokens), constants)
    expected = [reference.statistics(token, constants) for token in tokens.tolist()]
    assert list(zip(mean.tolist(), mult.tolist(), shift.tolist(), strict=True)) == expected
    channel_shift = rng.integers(0, 16, channels)
    got = normalise(tokens, mean, mult, shift, channel_shift)
    assert got.shape == tokens.shape
    columns = range(min(channels, 50))
    for row, stats in enumerate(expected):
        assert [got[row, c] for c in columns] == [
            reference.normalise(int(tokens[row, c]), *stats, int(channel_shift[c])) for c in columns
        ]


@pytest.mark.parametrize("channels", [1, 2, 3, 48, 4095, 4096])
def test_layernorm_intermediates_keep_to_their_bits(rng, channels):
    tokens = tokens_of(rng, channels)
    constants = norm_constants(channels, 0.5, 1e-2, 1e-6, "a norm")
    total, squares = token_sums(tokens)
    assert total.min() >= -(2**27)
    assert total.max() < 2**27
    assert squares.max() < 2**43
    mean, mult, shift = statistics(total, squares, constants)
    assert mean.min() >= -(2**17)
    assert mean.max() < 2**17
    assert mult.min() >= 0
    assert mult.max() <= 65535
    assert shift.min() >= 1
    assert shift.max() + 15 <= 63
    centred = 2 * tokens.astype(np.int64) - mean[:, None]
    assert centred.min() >= -(2**17)
    assert centred.max() < 2**17


def test_a_token_without_spread_is_zero_and_not_an_error():
    constants = NormConstants(*vars(norm_constants(48, 0.03, 6e-4, 1e-6, "a norm")).values())
    tokens = np.full((1, 48), 1234)
    stats = statistics(*token_sums(tokens), constants)
    assert np.abs(normalise(tokens, *stats, np.zeros(48, np.int64))).max() <= 1
    assert statistics(np.zeros(1), np.zeros(1, np.int64), replace(constants, epsilon=0))[1].item() <= 65535


def test_tokens_of_equal_values_are_zero_up_to_half_of_full_scale():
    """The rounding of 1/H moves their mean by less than half a step up to there, whatever H is."""
    channels = np.arange(1, 4097)
    mult, shift = np.transpose([mantissa(1 / h, MEAN_SHIFTS, "a mean") for h in channels.tolist()])

    def off(values: np.ndarray) -> np.ndarray:
        """Whether 2x − centre is anything but 0."""
        mean = round_shift(channels * values * mult, shift - 8)
        return round_shift(mean, 7) != 2 * values

    # What the mean is off grows with |x|, so that halving finds the first x of each H and sign.
    firsts = []
    for sign in (1, -1):
        good, bad = np.zeros(len(channels), np.int64), np.full(len(channels), 32769)
        while (bad - good > 1).any():
            middle = (good + bad) // 2
            good, bad = np.where(off(sign * middle), good, middle), np.where(off(sign * middle), middle, bad)
        firsts.append(bad)
    assert np.min(firsts) == 16384
    never = (np.array(firsts) > [[32767], [32768]]).all(axis=0)
    assert never.sum() == 2876 and never[[2**power - 1 for power in range(13)]].all()
    assert [first[383] for first in firsts] == [32512, 32769]


# Softmax ----------------------------------------------------------------------------------------------------


def test_exponentials_read_the_distance_from_the_maximum(rng):
    table = rng.integers(0, 256, 256)
    scores = np.array([[127, -128, 0], [-128, -128, -128]])
    got = exponentials(scores, scores.max(axis=1), table)
    assert got.tolist() == [[table[0], table[255], table[127]], [table[0]] * 3]


def test_divide_equals_the_second_reading_and_its_bound(rng):
    totals = [0, 1, 2, 254, 255, 256, 50235, 2**17, 2**18 - 1, 255 * 4096]
    totals += rng.integers(1, 2**20, 200).tolist()
    for total in totals:
        largest = 128 * max(total, 1)
        accs = [0, 1, -1, largest, -largest, *rng.integers(-largest, largest + 1, 5).tolist()]
        got = divide(np.array([accs]), np.array([total]))[0].tolist()
        assert got == [reference.divide(acc, total) for acc in accs]
        for acc, value in zip(accs, got, strict=True):
            assert abs(value) <= 2**19 + 2**5
            exact = Fraction(acc * 4096, max(total, 1))
            assert abs(value - exact) <= Fraction(1, 2) + abs(exact) * Fraction(35, 10**6)


# Several images at once -------------------------------------------------------------------------------------


def test_a_leading_axis_changes_nothing(rng):
    tokens = rng.integers(-32768, 32768, (3, 5, 24))
    constants = norm_constants(24, 0.03, 6e-4, 1e-6, "a norm")
    channel_shift = rng.integers(0, 4, 24)
    stats = statistics(*token_sums(tokens), constants)
    together = normalise(tokens, *stats, channel_shift)
    keys = rng.integers(-128, 128, (3, 7, 24))
    scores = saturate(convolve(together, keys) >> 8, *INT8)
    exps = exponentials(scores, scores.max(axis=-1), np.arange(255, -1, -1))
    quotient = divide(convolve(exps, np.swapaxes(keys, -1, -2)), exps.sum(axis=-1))
    for index in range(3):
        alone = normalise(tokens[index], *(s[index] for s in stats), channel_shift)
        assert np.array_equal(alone, together[index])
        score = saturate(convolve(alone, keys[index]) >> 8, *INT8)
        exp = exponentials(score, score.max(axis=-1), np.arange(255, -1, -1))
        assert np.array_equal(divide(convolve(exp, keys[index].T), exp.sum(axis=-1)), quotient[index])
