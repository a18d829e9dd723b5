"""What operators and scales look like in a session of Python."""

import numpy as np
import pytest

from pointwise.hw.contract.errors import PointwiseError
from pointwise.model.graph import Quantisation
from pointwise.model.graph.ops import OPS, Conv2d, Linear, MatMul, Slice
from pointwise.model.graph.value import FLOAT, Value
from pointwise.model.graph.window import Window


def test_an_operator_is_shown_in_a_line() -> None:
    linear = Linear("fc", ("x",), np.zeros((4, 300), np.int8), np.zeros(4, np.int32), dtype="uint8")
    assert repr(linear) == "Linear('fc', 'x', weight int8[4, 300], bias int32[4], dtype='uint8')"
    conv = Conv2d("c", ("fc",), Window((5, 4), (3, 3)), groups=2)
    assert repr(conv).startswith("Conv2d('c', 'fc', window=Window(size=(5, 4)") and "groups=2" in repr(conv)


@pytest.mark.parametrize("kind", OPS.values())
def test_all_kinds_are(kind: type) -> None:
    assert kind.__repr__ is Slice.__repr__


def test_scales_are_shown_by_their_ends() -> None:
    assert repr(Quantisation(0.25, 3)) == "Quantisation(scale 0.25, zero point 3, offset 0)"
    several = Quantisation(np.linspace(0.5, 2, 100), 0, np.zeros(100))
    assert repr(several) == "Quantisation(scale 0.5 to 2, zero point 0, offset 0)"


def test_a_product_is_real_where_one_side_is() -> None:
    real, whole = Value((4, 6), FLOAT), Value((4, 6), "int8")
    for sides in ((real, whole), (whole, real), (real, real)):
        assert MatMul("s", ("q", "k"), transposed=True).infer(*sides) == Value((4, 4), FLOAT)


@pytest.mark.parametrize(("left", "right", "told"), [("int16", "int8", "q"), ("int8", "uint8", "k")])
def test_what_a_product_cannot_multiply_is_refused(left: str, right: str, told: str) -> None:
    with pytest.raises(
        PointwiseError, match=f"expects int8.* in {told}, which holds {left if told == 'q' else right}"
    ):
        MatMul("s", ("q", "k"), transposed=True).infer(Value((4, 6), left), Value((4, 6), right))
