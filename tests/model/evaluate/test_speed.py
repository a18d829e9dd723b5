"""How long integers take beside floats: what is timed, and what counts."""

import itertools

import pytest

from pointwise.hw.contract.errors import PointwiseError
from pointwise.model.evaluate.speed import Speed, speeds
from pointwise.sim.by_name import quickly_quantised


@pytest.fixture(scope="module")
def network():
    return quickly_quantised("micro", 3)


def test_the_shortest_of_each_counts(network) -> None:
    """A clock whose steps are told: floats take 4, 2, 3 seconds, integers 5, 9, 6."""
    steps = itertools.cycle([4, 0, 5, 0, 2, 0, 9, 0, 3, 0, 6, 0])
    now = itertools.accumulate(itertools.chain([0], steps))
    rows = list(speeds(*network, batches=(1, 2), repeats=3, clock=lambda: float(next(now))))
    assert rows == [Speed("micro", 1, 2.0, 5.0), Speed("micro", 2, 1.0, 2.5)]
    assert [row.ratio for row in rows] == [2.5, 2.5]


@pytest.mark.parametrize(
    ("batches", "repeats", "sentence"),
    [
        ((), 1, "batches of [] were asked for"),
        ((0,), 1, "give at least 1"),
        ((1,), 0, "0 times; give at least 1"),
        ((1, 4), 1, "a batch of 4 was asked for, but there are 3 images"),
    ],
)
def test_what_cannot_be_measured(network, batches: tuple[int, ...], repeats: int, sentence: str) -> None:
    with pytest.raises(PointwiseError) as told:
        list(speeds(*network, batches=batches, repeats=repeats))
    assert sentence in str(told.value)
