"""What the core does in one go, and what it cannot do, told by the operator."""

from dataclasses import replace

import numpy as np
import pytest

from pointwise.hw.contract.config import CoreConfig
from pointwise.hw.contract.errors import PointwiseError
from pointwise.model.compiler import compile_network
from pointwise.model.compiler.random_network import random_network
from pointwise.model.compiler.shapes import Shape
from pointwise.model.emulator import Emulator, Order
from pointwise.model.engine import fuse
from pointwise.model.engine.op import (
    Accumulate,
    Diagonal,
    Divide,
    Exponential,
    Keys,
    LookUp,
    Normalise,
    Plain,
    Requantise,
    RowMax,
    TokenSums,
    Values,
    Weights,
)
from pointwise.model.graph import Graph, Op, run
from pointwise.model.graph.ops import (
    Activation,
    Add,
    Concat,
    Constant,
    Input,
    LayerNorm,
    Linear,
    Slice,
    Softmax,
)
from pointwise.model.integer.layernorm import NormConstants

SHAPE = Shape(tokens=6, inputs=5, dim=7, depth=1, heads=2, head_dim=3, hidden=9, classes=4)
NETWORK = random_network(1, SHAPE)
OPS = {op.name: op for op in fuse(NETWORK)}
NORM = NormConstants(mean_mult=37449, mean_shift=18, norm_mult=40000, norm_shift=8, epsilon=1)
TABLE = np.arange(256).astype(np.int8)


def linear(name: str, source: str, n: int, k: int, dtype: str = "int8") -> Linear:
    rng = np.random.default_rng([n, k, len(name)])
    weight = rng.integers(-127, 128, (n, k))
    factors = {"bias": rng.integers(-999, 999, n), "mult": np.full(n, 40000), "shift": np.full(n, 20)}
    return Linear(name, (source,), weight=weight, **factors, dtype=dtype)


def graph(*ops: Op, output: str | None = None) -> Graph:
    """A network over 5 tokens of 7 channels with a residual stream ``x`` of 7."""
    start = Constant("start", values=np.full((5, 7), 100, np.int16))
    embed = linear("embed", "image", 7, 7, "int16")
    stem = (Input("image", shape=(5, 7)), start, embed, Add("x", ("start", "embed")))
    return Graph("net", (*stem, *ops), output or ops[-1].name)


def kinds(name: str) -> list[type]:
    return [type(stage) for stage in OPS[name].epilogue]


def test_every_operator_is_done_once_or_on_the_way_in():
    done = [name for op in OPS.values() for name in op.members]
    named = [op.name for op in NETWORK.ops if not isinstance(op, Input | Constant)]
    assert sorted(done) == sorted(named), "here no LayerNorm has two readers"


def test_prologues_operands_and_epilogues():
    scores, context = OPS["blocks.0.scores.1"], OPS["blocks.0.context.1"]
    assert isinstance(scores.prologue, Plain) and scores.stationary == Keys("blocks.0.k.1")
    assert kinds(scores.name) == [Requantise, RowMax]
    assert isinstance(context.prologue, Exponential) and context.stationary == Values("blocks.0.v.1")
    assert context.streamed == (scores.output,) and kinds(context.name) == [Divide, Requantise]
    proj = OPS["blocks.0.proj"]
    assert proj.streamed == ("blocks.0.context.0", "blocks.0.context.1")
    assert kinds(proj.name) == [Requantise, Accumulate, TokenSums] and proj.output == "blocks.0.proj.add"
    head = OPS["head"]
    assert isinstance(head.prologue, Normalise) and isinstance(head.stationary, Weights)
    assert (head.first, head.tokens, head.k, head.n, head.dtype) == (0, 1, 7, 4, "int16")


def test_a_table_is_looked_up_on_the_way_out_of_what_it_alone_reads():
    a = linear("a", "image", 4, 7)
    (*_, op) = fuse(graph(a, Activation("b", ("a",), TABLE)))
    assert (op.name, op.output, op.dtype) == ("a", "b", "int8") and op.stage(LookUp) is not None
    with pytest.raises(PointwiseError, match="Activation b stands where the core cannot do it"):
        fuse(graph(a, Activation("b", ("a",), TABLE), linear("c", "a", 2, 4)))


def branches() -> Graph:
    """Two branches with a LayerNorm in front of each meet in an addition; no attention."""
    return graph(
        LayerNorm("norm", ("x",), NORM),
        linear("a", "norm", 9, 7, "int16"),
        LayerNorm("other", ("x",), NORM, np.arange(7) % 3),
        linear("b", "other", 9, 7, "int16"),
        Add("sum", ("a", "b")),
        LayerNorm("last", ("sum",), replace(NORM, mean_mult=58254, mean_shift=19)),
        linear("head", "last", 3, 9, "int16"),
    )


@pytest.mark.parametrize("rows", [1, 4])
def test_two_branches_that_meet_run_from_their_bytes(rows: int):
    network = branches()
    assert fuse(network)[2].stage(Accumulate) == Accumulate("a")
    config = CoreConfig(rows=rows, cols=4, max_tokens=8, act_kib=2, act_banks=1, res_kib=2)
    compiled = compile_network(network, config, trace=True)
    image = np.random.default_rng(rows).integers(-128, 128, (5, 7))
    expected = run(network, image)
    for order in Order:
        block = Emulator(compiled.image, config).run(compiled.pack_input(image), order)
        found = compiled.read_output(block)
        assert all(np.array_equal(found[op.name], expected[op.output]) for op in fuse(network)), order


@pytest.mark.parametrize(
    ("network", "words"),
    [
        (graph(LayerNorm("n", ("x",), NORM)), "LayerNorm n stands where"),
        (graph(Softmax("s", ("image",), np.zeros(256, int)), linear("a", "image", 2, 7)), "Softmax s stands"),
        (graph(Slice("s", ("image",), 1, 2)), "Slice s stands where"),
        (
            graph(linear("a", "image", 4, 7), Concat("c", ("a", "image")), Activation("t", ("c",), TABLE)),
            "Concat c stands where",
        ),
        (graph(Add("y", ("x", "x")), linear("a", "image", 2, 7)), "Add y stands where"),
        (
            graph(
                LayerNorm("n", ("x",), NORM),
                linear("a", "n", 2, 7),
                LayerNorm("m", ("x",), replace(NORM, norm_shift=9)),
                linear("b", "m", 2, 7),
            ),
            "LayerNorms n and m read x with different constants",
        ),
        (
            graph(linear("a", "image", 7, 7, "int16"), Add("y", ("x", "a")), LayerNorm("n", ("x",), NORM),
                  linear("b", "n", 2, 7)),
            "b reads x, which a has added to by then",
        ),
        (
            graph(linear("a", "image", 7, 7, "int16"), LayerNorm("m", ("a",), NORM), linear("c", "m", 2, 7),
                  LayerNorm("n", ("x",), NORM), linear("b", "n", 2, 7)),
            "b normalises x, but the statistics at hand are of a",
        ),
        (
            graph(LayerNorm("n", ("x",), NORM), Slice("s", ("n",), 1, 2), linear("a", "s", 7, 7, "int16"),
                  LayerNorm("m", ("a",), NORM), linear("b", "m", 2, 7)),
            "a reads what is kept of tokens from token 1 on",
        ),
        (
            graph(linear("a", "image", 7, 7, "int16"), Add("y", ("x", "a")), output="x"),
            "a adds to x, which must stay as it is",
        ),
        (graph(LayerNorm("n", ("start",), NORM), linear("a", "n", 2, 7)), "reads start, which embed"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_what_the_core_cannot_do_is_told_by_name(network: Graph, words: str):
    with pytest.raises(PointwiseError) as caught:
        fuse(network)
    assert words in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize(("rows", "cols"), [(4, 4), (2, 4), (4, 2)])
def test_a_copy_is_done_channel_by_channel(rows: int, cols: int) -> None:
    """A linear layer with a diagonal: of a slice of tokens, into a product, a function and a LayerNorm."""
    rng = np.random.default_rng(4)

    def copy(name: str, source: str, dtype: str = "int8") -> Linear:
        weight = np.diag(rng.integers(1, 128, 7)).astype(np.int8)
        return replace(linear(name, source, 7, 7, dtype), weight=weight)

    ops = (
        copy("bytes", "image"),
        Slice("some", ("bytes",), 1, 4),
        copy("again", "some"),
        Activation("y", ("again",), TABLE),
        copy("wide", "y", "int16"),
        LayerNorm("norm", ("wide",), NORM, np.array([0, 15, 1, 0, 2, 0, 3])),
        copy("behind", "norm"),
        linear("last", "behind", 3, 7),
    )
    network = Graph("net", (Input("image", shape=(5, 7)), *ops), "last")
    done = {op.name: op for op in fuse(network)}
    for name in ("bytes", "again", "wide", "behind"):
        assert isinstance(done[name].stationary, Diagonal) and done[name].macs == 7 * done[name].tokens
    assert isinstance(done["behind"].prologue, Normalise)
    assert sum(op.macs for op in done.values()) == network.macs
    config = CoreConfig(rows=rows, cols=cols, max_tokens=8, act_kib=4, res_kib=2)
    compiled = compile_network(network, config, trace=True)
    image = rng.integers(-128, 128, (5, 7))
    output = Emulator(compiled.image, config).run(compiled.pack_input(image), Order.LATE_WRITES)
    stored, values = compiled.read_output(output), run(network, image)
    for op in done.values():
        assert np.array_equal(stored[op.name], values[op.output]), op.name
