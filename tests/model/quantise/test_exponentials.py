"""The table of exponentials that is rounded by the error of the attention that it leads to."""

import numpy as np
import pytest

from pointwise.model.quantise.exponentials import (
    EXP_MAX,
    FARTHEST,
    exact_exponentials,
    exp_table,
    fitted_table,
    rounded_table,
    table_moments,
)

SEED = 23
SCALE = 0.06
IMAGES, ROWS, TOKENS, CHANNELS = 6, 24, 120, 12


@pytest.fixture
def long_rows() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows of which one key holds much and the many others, far below it, together as much."""
    print(f"seed {SEED}")
    rng = np.random.default_rng(SEED)
    distance = np.clip(rng.normal(5.9, 0.25, (IMAGES, ROWS, TOKENS)) / SCALE, 0, 255).round().astype(np.int16)
    distance[..., 0] = 0
    exponentials = np.exp(-SCALE * distance)
    values = rng.normal(0, 0.3, (IMAGES, TOKENS, CHANNELS)).astype(np.float32)
    values[:, 0] += 8
    return distance, exponentials / exponentials.sum(axis=-1, keepdims=True), values


def error(table: np.ndarray, distance: np.ndarray, wanted: np.ndarray, values: np.ndarray) -> float:
    made = table.astype(float)[distance]
    made /= made.sum(axis=-1, keepdims=True)
    return float((((made - wanted) @ values) ** 2).sum())


def test_moments_tell_the_error_of_a_table(long_rows):
    """Of a table near the exponentials: the sums of rows are theirs, nearly."""
    distance, wanted, values = long_rows
    moments = table_moments(distance, wanted, values, SCALE)
    table = exact_exponentials(SCALE)
    table[1:140] *= 1 + np.random.default_rng(1).normal(0, 0.02, 139)
    assert table @ moments @ table == pytest.approx(error(table, distance, wanted, values), rel=0.05)


def test_a_fitted_table_keeps_what_small_exponentials_add_up_to(long_rows):
    distance, wanted, values = long_rows
    plain = exp_table(SCALE, 0.34)
    table = fitted_table(distance, wanted, values, SCALE, plain)
    assert error(table, distance, wanted, values) < 0.25 * error(plain, distance, wanted, values)


def test_no_single_change_improves_the_table(long_rows):
    moments = table_moments(*long_rows, SCALE)
    table, exact = rounded_table(SCALE, moments).astype(float), exact_exponentials(SCALE)
    assert table[0] == EXP_MAX
    assert np.abs(table - exact).max() <= FARTHEST
    least = table @ moments @ table
    for index in range(1, 256):
        for change in (-1, 1):
            other = table.copy()
            other[index] += change
            if other[index] >= 0 and abs(other[index] - exact[index]) <= FARTHEST:
                assert other @ moments @ other >= least * (1 - 1e-6)


def test_a_table_that_does_not_hold_on_other_images_is_not_taken(long_rows):
    """Of every other image the values are turned round: what fits one half is wrong for the other."""
    distance, wanted, values = long_rows
    plain = rounded_table(SCALE, table_moments(distance[1::2], wanted[1::2], values[1::2], SCALE))
    assert fitted_table(distance, wanted, values, SCALE, plain) is plain
    assert fitted_table(distance[:1], wanted[:1], values[:1], SCALE, plain) is plain


@pytest.mark.parametrize("scale", [1e-6, 1e-3])
def test_scores_that_hardly_differ_have_a_table_all_the_same(scale: float) -> None:
    """The error of a table is a rounding error then, which may be less than nothing."""
    rng = np.random.default_rng(0)
    distance, shares = np.zeros((2, 4, 16), np.int64), np.full((2, 4, 16), 1 / 16)
    moments = table_moments(distance, shares, rng.normal(size=(2, 16, 3)), scale)
    assert rounded_table(scale, moments)[0] == 255
