"""GELU by table against the exact function."""

import math

import numpy as np
import pytest
import torch

from pointwise.hw.contract.errors import PointwiseError
from pointwise.model.integer.requantise import look_up
from pointwise.model.quantise.gelu import apply, gelu, make_table, plan_gelu
from pointwise.model.quantise.ranges.histogram import ChannelHistogram
from pointwise.model.quantise.ranges.minmax import MinMax
from pointwise.model.quantise.statistics import Statistics, TensorObserver

SEED = 13


def observed(values: np.ndarray) -> Statistics:
    seen = Statistics()
    column = torch.from_numpy(values)[:, None].float()
    seen.records["act.input"] = TensorObserver("act.input", MinMax(1))
    seen.records["act.input"].update(column)
    seen.hidden["act"], seen.reach["act"] = ChannelHistogram(1), MinMax(1)
    seen.hidden["act"].update(column)
    seen.reach["act"].update(column)
    return seen


def test_gelu_is_that_of_torch():
    x = np.linspace(-9, 9, 1001)
    exact = torch.nn.functional.gelu(torch.from_numpy(x)).numpy()
    assert np.allclose(gelu(x), exact, atol=1e-14)


@pytest.mark.parametrize(("bottom", "top", "scale"), [(-4, 4, 0.02), (-0.9, 0.5, 0.004), (-8, 40, 0.2)])
def test_every_entry_is_within_half_a_step(bottom, top, scale):
    index_scale = (top - bottom) / 255
    plan = make_table(index_scale, bottom + 128 * index_scale, scale)
    index = np.arange(-128, 128)
    real = scale * (look_up(index, plan.table) - plan.zero_point)
    exact = gelu(index_scale * index + plan.index_centre)
    assert np.abs(real - exact).max() <= scale / 2 * (1 + 1e-9)
    assert plan.table.dtype == np.uint8


@pytest.mark.parametrize("spread", [0.3, 1.0, 2.5])
def test_plan_hardly_clips_above_and_hardly_errs(spread):
    print(f"seed {SEED}")
    values = np.random.default_rng(SEED).normal(-0.3, spread, 20000)
    plan = plan_gelu("act", observed(values))
    top = plan.index_scale * 127 + plan.index_centre
    assert (values > top).mean() < 1e-3
    error = apply(plan, values) - gelu(values)
    signal = (gelu(values) ** 2).mean()
    assert 10 * math.log10(signal / (error**2).mean()) >= 36


def test_plan_is_finer_than_the_full_range_where_that_reaches_far_down():
    values = np.random.default_rng(SEED).normal(-2, 2, 20000)
    plan = plan_gelu("act", observed(values))
    assert plan.index_scale < 0.8 * (values.max() - values.min()) / 255


def test_the_largest_input_seen_never_clips():
    """One of 20,000 that lies far out costs the others much, but it may be what the network is about."""
    values = np.append(np.random.default_rng(SEED).normal(-0.3, 0.3, 20000), 14.0)
    plan = plan_gelu("act", observed(values))
    assert apply(plan, np.array([14.0]))[0] == pytest.approx(14.0, abs=plan.scale)


def test_all_inputs_negative_still_give_a_plan():
    values = np.random.default_rng(SEED).uniform(-3, -1, 5000)
    plan = plan_gelu("act", observed(values))
    assert np.abs(apply(plan, values) - gelu(values)).max() < 0.01


def test_inputs_that_are_always_the_same_are_told_in_a_sentence():
    with pytest.raises(PointwiseError, match=r"The range of act\.input is zero"):
        plan_gelu("act", observed(np.zeros(10)))
