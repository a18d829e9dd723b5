"""Functions of one number are recognised by their values, however they are spelled."""

import math

import pytest
import torch

from pointwise.model.frontends.expression import (
    IDENTITY,
    Affine,
    Call,
    applied,
    combined,
    recognised,
    scaled,
    straight,
)
from pointwise.model.graph.functions import NAMES, function


@pytest.mark.parametrize("name", NAMES)
def test_each_is_itself_and_no_other(name: str) -> None:
    assert recognised(function(name)) == (name, 1.0, 0.0)
    assert recognised(lambda x: -3 * function(name)(x)) == (name, pytest.approx(-3), 0.0)
    shifted = recognised(lambda x: 2 * function(name)(x) + 0.25)
    assert shifted == (name, pytest.approx(2), pytest.approx(0.25, abs=1e-6))
    assert recognised(lambda x: function(name)(x) + 1e-4 * x.sin()) is None


def test_spellings() -> None:
    spelled = {
        "gelu": lambda x: x / 2 * (1 + torch.erf(x * 0.70710678)),
        "gelu_tanh": lambda x: x / 2 * (1 + torch.tanh(0.7978845608 * (x + 0.044715 * x.pow(3)))),
        "quick_gelu": lambda x: x / (1 + torch.exp(-1.702 * x)),
        "silu": lambda x: x * torch.sigmoid(x),
        "relu": lambda x: x.clamp(min=0),
        "relu6": lambda x: x.clamp(0, 6),
        "hardswish": lambda x: x * (x + 3).clamp(0, 6) / 6,
        "tanh": lambda x: 2 * torch.sigmoid(2 * x) - 1,
    }
    for name, spelling in spelled.items():
        assert recognised(spelling) == (name, pytest.approx(1), 0.0), name
    assert recognised(torch.sin) is None and recognised(lambda x: x * math.nan) is None


def test_straight_lines() -> None:
    line = straight(lambda x: (x * 3 - x) / 4 + 1)
    assert line is not None and (line.factor, line.offset) == pytest.approx((0.5, 1))
    assert straight(torch.relu) is None


def test_affine_ones_stay_so_and_others_keep_what_comes_first() -> None:
    made = scaled(scaled(IDENTITY, 2.0, 1.0), 3.0, -1.0)
    assert isinstance(made, Affine) and (made.factor, made.offset) == (6, 2) and made.uniform
    assert IDENTITY.trivial and not made.trivial
    total = combined(torch.add, made, IDENTITY, linear=True)
    assert isinstance(total, Affine) and (total.factor, total.offset) == (7, 2)
    call = scaled(applied(torch.sigmoid, made), 2.0, 0.0)
    assert isinstance(call, Call) and call.inner is made
    x = torch.tensor([0.3], dtype=torch.float64)
    assert torch.equal(call(x), 2 * torch.sigmoid(6 * x + 2))
    both = combined(torch.mul, call, applied(torch.tanh, made), linear=False)
    assert isinstance(both, Call) and both.inner is made
    mixed = combined(torch.mul, IDENTITY, call, linear=False)
    assert isinstance(mixed, Call) and mixed.inner is IDENTITY and torch.equal(mixed(x), x * call(x))
