"""Operators in scaled numbers and ours against float64, and the table that compares them."""

from io import StringIO

import numpy as np
import pytest
from rich.console import Console

from pointwise.hw.contract.errors import PointwiseError
from pointwise.model.reference import ours, scaled_operators
from pointwise.model.reference.operators import Row, table
from pointwise.model.reference.scaled import Scaled
from pointwise.sim.cli import operators as cli


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    return table()


def test_linear_errors_are_those_of_the_paper(rows: list[Row]):
    """Of the same size, on other inputs; what rounding 8 bits leaves."""
    for row in rows[:3] + rows[6:9]:
        assert row.published / 10 < row.scaled < row.published * 10, row
        assert row.ours < 2e-4, row


def test_ours_follow_the_functions_where_the_series_leave_them(rows: list[Row]):
    softmax, *gelus = rows[9:]
    assert softmax.ours < softmax.scaled / 100
    assert all(row.ours < 1e-4 < row.scaled for row in gelus)
    assert rows[3].ours < 1e-3 and rows[3].scaled < 1e-3


def test_small_inputs_suit_the_series():
    rows = table(spread=0.25)
    assert rows[9].scaled < 1e-4
    by_series = {row.name: row.scaled for row in rows[10:]}
    printed, corrected = by_series["GELU by (16.2)"], by_series["GELU by (16.2), −A³/3 as in (15)"]
    assert corrected < printed / 10, "the sign of the series is the better one"


def test_the_table_is_repeatable_and_needs_inputs(rows: list[Row]):
    assert table() == rows != table(seed=1)
    with pytest.raises(PointwiseError, match="0 images"):
        table(0)
    with pytest.raises(PointwiseError, match="spread of nan"):
        table(spread=float("nan"))


def test_scaled_operators_follow_the_real_ones():
    rng = np.random.default_rng(3)
    x = rng.normal(size=(50, 12))
    weight, bias = rng.normal(size=(5, 12)), rng.normal(size=5)
    found = scaled_operators.linear(Scaled.of(x), Scaled.of(weight), Scaled.of(bias)).values
    assert np.abs(found - (x @ weight.T + bias)).max() < 0.2
    normal = (x - x.mean(axis=1, keepdims=True)) / x.std(axis=1, keepdims=True)
    assert np.abs(scaled_operators.layer_norm(Scaled.of(x)).values - normal).max() < 0.15
    series = 1 + x + x**2 / 2
    series /= series.sum(axis=1, keepdims=True)
    assert np.abs(scaled_operators.softmax(Scaled.of(x)).values - series).max() < 0.015


def test_a_token_that_is_the_same_everywhere_gives_beta():
    assert not scaled_operators.layer_norm(Scaled.of(np.full((2, 8), 3.0))).integer.any()


def test_depthwise_reads_the_channel_of_its_group():
    x = np.array([[1.0, 2.0, 4.0]])
    weight, bias = np.arange(1.0, 10.0), np.zeros(9)
    found = scaled_operators.depthwise(Scaled.of(x), Scaled.of(weight), Scaled.of(bias)).values
    assert found.tolist() == [[1, 2, 3, 8, 10, 12, 28, 32, 36]]


def test_our_operators_are_within_their_steps():
    rng = np.random.default_rng(4)
    x = rng.normal(size=(60, 16))
    weight, bias = rng.normal(size=(7, 16)), rng.normal(size=7)
    exact = x @ weight.T + bias
    assert np.abs(ours.linear(x, weight, bias) - exact).max() < 0.03 * np.abs(exact).max()
    power = np.exp(x)
    probability = power / power.sum(axis=1, keepdims=True)
    assert np.abs(ours.softmax(x) - probability).max() < 0.02
    assert ours.softmax(x).sum(axis=1).mean() == pytest.approx(1, abs=2e-3)


def test_the_command_prints_both_tables(monkeypatch: pytest.MonkeyPatch):
    output = StringIO()
    monkeypatch.setattr(cli, "Console", lambda **options: Console(file=output, width=120, **options))
    cli.command(count=1, seed=0, spread=1.0)
    text = output.getvalue()
    assert "7.64e-05" in text and "25/2^7" in text and "33/2^7" in text and "0.2561" in text
