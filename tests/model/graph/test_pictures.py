"""Operators of pictures: in real numbers as torch has them, in integers as loops over every product have."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn import functional

from pointwise.hw.contract.errors import PointwiseError
from pointwise.model.graph import Graph, run_float
from pointwise.model.graph.ops import Activation, Add, Conv2d, Input, Linear, MaxPool, MeanPool
from pointwise.model.graph.passes.fold_clamps import fold_clamps
from pointwise.model.graph.value import FLOAT, Value
from pointwise.model.graph.window import Window
from pointwise.model.integer.rounding import INT8

WINDOW = Window((5, 6), (3, 2), (2, 1), (1, 0, 2, 1), (1, 2))


def conv(groups: int, channels: int = 4, n: int = 4, **more: object) -> Conv2d:
    rng = np.random.default_rng(groups)
    shape = (n, channels // groups, *WINDOW.kernel)
    return Conv2d(
        "conv",
        ("x",),
        window=WINDOW,
        groups=groups,
        weight=rng.integers(-128, 128, shape),
        bias=rng.integers(-999, 999, n),
        mult=rng.integers(1 << 15, 1 << 16, n),
        shift=np.full(n, 24),
        **more,
    )


@pytest.mark.parametrize("groups", [1, 2, 4])
def test_a_convolution_in_real_numbers_is_torchs(groups: int) -> None:
    x, op = torch.randn(2, 30, 4, dtype=torch.float64), conv(groups)
    picture = functional.pad(x.transpose(1, 2).reshape(2, 4, 5, 6), (0, 1, 1, 2))
    weight, bias = torch.as_tensor(op.weight).double(), torch.as_tensor(op.bias).double()
    want = functional.conv2d(picture, weight, bias, (2, 1), 0, (1, 2), groups)
    made = op.reference(x)
    assert torch.allclose(made, want.flatten(2).transpose(1, 2))
    assert op.infer(Value((30, 4), FLOAT)).shape == tuple(made.shape[1:])


@pytest.mark.parametrize("groups", [1, 2, 4])
@pytest.mark.parametrize("pad", [-128, 3])
def test_sums_in_integers_are_those_of_all_products(groups: int, pad: int) -> None:
    op, x = conv(groups, pad=pad), np.random.default_rng(5).integers(-128, 128, (30, 4))
    patches, rows = WINDOW.patches(x, pad), 4 // groups
    want = np.zeros((WINDOW.out_tokens, 4), np.int64)
    for token, n, k, v, u in np.ndindex(*want.shape, 4 // groups, *WINDOW.kernel):
        want[token, n] += patches[token, v, u, n // rows * (4 // groups) + k] * int(op.weight[n, k, v, u])
    assert (op.sums(x) == want).all()
    several = op.integer(np.stack([x, -1 - x]))
    assert (several[0] == op.integer(x)).all()
    assert several.min() >= INT8[0] and several.max() <= INT8[1]


def test_pooling_is_torchs() -> None:
    x = torch.randn(2, 30, 3)
    window = Window((5, 6), (3, 3), (2, 2), (1, 1, 1, 1))
    picture = x.transpose(1, 2).reshape(2, 3, 5, 6)
    want = functional.max_pool2d(picture, 3, 2, 1).flatten(2).transpose(1, 2)
    pool = MaxPool("pool", ("x",), window=window)
    assert torch.equal(pool.reference(x), want)
    integers = np.random.default_rng(3).integers(-128, 128, (30, 3))
    real = pool.reference(torch.as_tensor(integers)[None].float())[0].numpy()
    assert (pool.integer(integers) == real).all()
    mean = MeanPool("mean", ("x",), first=1)
    assert torch.allclose(mean.reference(x), x[:, 1:].mean(1, keepdim=True))


@pytest.mark.parametrize(
    ("op", "value", "says"),
    [
        (conv(1), Value((31, 4), "int8"), "given 31 tokens"),
        (conv(3, channels=6, n=4), Value((30, 6), "int8"), "no multiples of its 3 groups"),
        (replace(conv(2), groups=1), Value((30, 4), "int8"), "weight"),
        (replace(conv(2), groups=1), Value((30, 4), FLOAT), "weight"),
        (conv(1, pad=200), Value((30, 4), "int8"), "pad of 200"),
        (conv(1, clamp="relu7"), Value((30, 4), FLOAT), "relu7"),
        (
            MaxPool("pool", ("x",), window=Window((5, 6), (2, 2), padding=(2, 0, 0, 0))),
            Value((30, 3), "int8"),
            "as wide as its kernel",
        ),
        (MeanPool("mean", ("x",), first=30), Value((30, 3), "int8"), "leave at least one"),
    ],
)
def test_what_does_not_fit_is_named(op: object, value: Value, says: str) -> None:
    with pytest.raises(PointwiseError, match=says):
        op.infer(value)


def test_activations_become_clamps_where_nothing_else_reads() -> None:
    eye, zeros = np.eye(2), np.zeros(2)
    ops = (
        Input("x", shape=(4, 2), dtype=FLOAT),
        Linear("a", ("x",), weight=eye, bias=zeros),
        Activation("a.relu", ("a",), function="relu"),
        Linear("b", ("a.relu",), weight=-eye, bias=zeros),
        Activation("b.relu", ("b",), function="relu6"),
        Add("sum", ("b", "a.relu")),
        Activation("out", ("sum",), function="relu6"),
    )
    graph = Graph("net", ops, "out")
    folded = fold_clamps(graph)
    assert [op.name for op in folded.ops] == ["x", "a", "b", "b.relu", "sum"]
    assert (folded["a"].clamp, folded["b"].clamp, folded["sum"].clamp) == ("relu", "", "relu6")
    assert folded.output == "sum"
    x = 9 * torch.randn(3, 4, 2)
    assert torch.equal(run_float(graph, x)["out"], run_float(folded, x)["sum"])
