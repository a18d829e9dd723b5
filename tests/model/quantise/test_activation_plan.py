"""Tables of few values: rounding to the index first changes nothing, and the ends are those of the result."""

import numpy as np
import pytest
import torch

from pointwise.model.graph.functions import function
from pointwise.model.graph.ops import Activation
from pointwise.model.quantise.activation_plan import plan_activation
from pointwise.model.quantise.ranges.minmax import MinMax
from pointwise.model.quantise.recipe import LayerConfig
from pointwise.model.quantise.statistics import Statistics, TensorObserver


def statistics_of(values: np.ndarray) -> Statistics:
    made = Statistics()
    made.records["act.input"] = TensorObserver("act.input", MinMax(1))
    made.records["act.input"].update(torch.from_numpy(values.reshape(-1, 1)))
    return made


@pytest.mark.parametrize("name", ["relu", "relu6", "silu", "gelu"])
@pytest.mark.parametrize("bits", [2, 3, 4, 7])
def test_a_table_of_few_values_is_the_function_rounded(name: str, bits: int) -> None:
    values = np.random.default_rng(bits).normal(0, 3, 20_000)
    op, step = Activation("act", ("in",), function=name, bits=bits), 0.37
    plan = plan_activation(op, statistics_of(values), LayerConfig(), step)
    index = np.clip(np.floor((values - plan.index_centre) / plan.index_scale + 0.5), -128, 127).astype(int)
    got = plan.table[index & 255].astype(int)
    exact = function(name)(torch.from_numpy(values)).numpy()
    wanted = np.clip(np.floor(exact / step + 0.5) + plan.zero_point, 0, op.levels)
    assert plan.scale == step and got.max() <= op.levels and got.min() >= 0
    if name == "relu":
        assert np.array_equal(got, wanted)
    else:
        assert np.mean(got != wanted) < 0.1 and np.abs(got - wanted).max() <= 1
    rounded = Activation("act", ("in",), function=name, bits=bits, step=step).reference(
        torch.from_numpy(values)
    )
    np.testing.assert_allclose(rounded.numpy(), (wanted - plan.zero_point) * step, atol=1e-12)


def test_without_a_trained_step_the_range_is_covered() -> None:
    values = np.linspace(-4, 6, 1001)
    plan = plan_activation(
        Activation("act", ("in",), function="relu", bits=4), statistics_of(values), LayerConfig()
    )
    assert plan.scale == pytest.approx(6 / 15) and plan.table.max() == 15 and plan.zero_point == 0
