"""Activations of few bits: which there may be, and that their clamps stay tables."""

from dataclasses import replace

import numpy as np
import pytest

from pointwise.hw.contract.errors import PointwiseError
from pointwise.model.graph import Graph
from pointwise.model.graph.functions import NAMES, least
from pointwise.model.graph.ops import Activation, Input, Linear
from pointwise.model.graph.passes.fold_clamps import fold_clamps
from pointwise.model.graph.value import FLOAT


def graph(**values: object) -> Graph:
    act = replace(Activation("act", ("made",), function="relu"), **values)
    made = Linear("made", ("in",), weight=np.eye(3), bias=np.zeros(3))
    return Graph("n", (Input("in", shape=(2, 3), dtype=FLOAT), made, act), "act")


def test_least_values() -> None:
    known = {"gelu": -0.16997, "relu": 0.0, "elu": -1.0, "hardswish": -0.375, "leaky_relu": None}
    assert {name: least(name) for name in known} == known
    assert [name for name in NAMES if least(name) is None] == ["leaky_relu"]


def test_a_clamp_of_few_bits_is_no_saturation() -> None:
    assert "act" not in fold_clamps(graph())
    assert "act" in fold_clamps(graph(bits=4))


@pytest.mark.parametrize("values", [{"bits": 1}, {"bits": 9}, {"bits": 4, "function": "leaky_relu"}])
def test_other_widths_are_refused(values: dict[str, object]) -> None:
    with pytest.raises(PointwiseError, match="act has a result of"):
        graph(**values).check()
