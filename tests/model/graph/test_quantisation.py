"""What integers stand for, and which of them is 0."""

import numpy as np
import pytest

from pointwise.model.graph import Quantisation


@pytest.mark.parametrize(
    "scale",
    [
        Quantisation(0.25, -7),
        Quantisation(0.5, 3, 0.75),
        Quantisation(np.array([0.5, 0.125]), 2, np.array([-1.0, 0.25])),
    ],
)
def test_zero_and_centre_are_where_real_numbers_say(scale: Quantisation) -> None:
    assert np.array_equal(scale.real(np.broadcast_to(scale.zero, 2)), [0, 0])
    assert np.array_equal(scale.real(np.zeros(2)), np.broadcast_to(scale.centre, 2))
