"""Rows that are picked from an input."""

import json

import numpy as np
import torch

from pointwise.model.graph.arrangement import Arrangement, axes_of, positions


def test_patches_of_a_rectangle_are_those_that_unfold_takes() -> None:
    images = torch.arange(2 * 3 * 8 * 6).reshape(2, 3, 8, 6).double()
    made = Arrangement((3, 8, 6), ((2, 24), (3, 2)), ((3, 48), (4, 6), (2, 1)), zero_rows=1)
    assert made.row_shape == (7, 24)
    rows = made.rows(images.numpy())
    expected = torch.nn.functional.unfold(images, (4, 2), stride=(4, 2)).transpose(1, 2).numpy()
    assert np.array_equal(rows[:, 1:], expected) and not rows[:, 0].any()
    assert Arrangement.from_dict(json.loads(json.dumps(made.to_dict()))) == made


def test_rows_stay_rows() -> None:
    values = np.random.default_rng(0).normal(size=(2, 5, 4))
    assert np.array_equal(Arrangement.of_rows(5, 4).rows(values), values)


def test_axes_are_found_where_there_are_any() -> None:
    for axes in (((5, 3),), ((2, 24), (3, 2)), ((3, 1), (2, 100), (4, 5)), ((4, -1),), ((2, 6), (1, 1))):
        places = 7 + positions(axes)
        found = axes_of(places)
        assert found is not None and np.array_equal(7 + positions(found), places)
    assert axes_of(np.array([3])) == ((1, 1),)
    assert axes_of(np.array([0, 1, 3])) is None and axes_of(np.array([0, 1, 2, 4, 5, 7])) is None
