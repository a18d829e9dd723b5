"""Any graph of known patterns is quantised, by where its operators stand: none of these is a DeiT."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

import pointwise as pw
from pointwise.hw.contract.config import CoreConfig
from pointwise.hw.contract.errors import PointwiseError
from pointwise.model.compiler import compile_network
from pointwise.model.emulator import Emulator, Order
from pointwise.model.engine import fuse
from pointwise.model.evaluate.arrays import sqnr_db
from pointwise.model.graph import Graph, Op, run, run_float
from pointwise.model.graph.ops import (
    Activation,
    Add,
    Concat,
    Constant,
    Input,
    LayerNorm,
    Linear,
    MatMul,
    Slice,
    Softmax,
)
from pointwise.model.graph.value import FLOAT
from pointwise.model.networks import DeiTConfig
from pointwise.model.quantise import Recipe, recorder
from pointwise.model.quantise.calibrate import calibrate
from pointwise.model.quantise.convert import convert, layer_names
from pointwise.model.quantise.inputs import rounded_rows
from pointwise.model.quantise.recipe import PLAIN

TOKENS, CHANNELS, WIDTH = 9, 6, 16
CORE = CoreConfig(rows=4, cols=4, max_tokens=16, act_kib=8, res_kib=4)
CONFIG = DeiTConfig(8, 4, 1, 8, 2, 2, 2, 3, distilled=True)


class Made:
    """Operators with random weights, one after the other; each call returns the name of the last."""

    def __init__(self, seed: int = 0) -> None:
        self.rng = np.random.default_rng(seed)
        self.ops: list[Op] = [Input("in", shape=(TOKENS, CHANNELS), dtype=FLOAT)]

    def add(self, op: Op) -> str:
        self.ops.append(op)
        return op.name

    def linear(self, name: str, source: str, n: int, k: int, **more: str) -> str:
        weight, bias = self.rng.normal(size=(n, k)) / k**0.5, self.rng.normal(size=n) / 4
        return self.add(Linear(name, (source,), weight, bias, **more))

    def norm(self, name: str, source: str) -> str:
        gamma, beta = 1 + self.rng.normal(size=WIDTH) / 4, self.rng.normal(size=WIDTH) / 4
        return self.add(LayerNorm(name, (source,), epsilon=1e-6, weight=gamma, bias=beta))

    def graph(self, output: str) -> Graph:
        return Graph("made", tuple(self.ops), output)


def branches() -> Graph:
    """Two branches with a LayerNorm in front of each meet in an addition; no attention."""
    made = Made()
    start = made.add(Constant("start", values=made.rng.normal(size=(TOKENS, WIDTH))))
    x = made.add(Add("x", (start, made.linear("stem", "in", WIDTH, CHANNELS))))
    left = made.linear("left", made.norm("one", x), WIDTH, WIDTH)
    hidden = made.add(
        Activation("silu", (made.linear("wide", made.norm("two", x), 24, WIDTH),), function="silu")
    )
    right = made.linear("right", hidden, WIDTH, 24)
    y = made.add(Add("y", (left, right)))
    return made.graph(made.linear("result", made.norm("last", y), 5, WIDTH))


def plain() -> Graph:
    """Linear layers and a function alone: no stream, no LayerNorm."""
    made = Made(1)
    first = made.linear("first", made.linear("zeroth", "in", 12, CHANNELS), 20, 12)
    return made.graph(made.linear("second", made.add(Activation("relu", (first,), function="relu")), 7, 20))


def attentive() -> Graph:
    """An attention of two heads behind a LayerNorm; two of the tokens are the result."""
    made = Made(2)
    x = made.linear("embed", "in", WIDTH, CHANNELS)
    norm, contexts = made.norm("norm", x), []
    for head in range(2):
        q, k, v = (made.linear(f"{part}{head}", norm, 8, WIDTH, layer=part) for part in "qkv")
        scores = made.add(MatMul(f"s{head}", (q, k), transposed=True, factor=8**-0.5, layer="s"))
        softmax = made.add(Softmax(f"p{head}", (scores,)))
        contexts.append(made.add(MatMul(f"o{head}", (softmax, v), layer="o")))
    joined = made.add(Concat("heads", tuple(contexts)))
    y = made.add(Add("y", (x, made.linear("out", joined, WIDTH, WIDTH))))
    token = made.add(Slice("token", (made.norm("final", y),), 3, 2))
    return made.graph(made.linear("result", token, 4, WIDTH))


@pytest.mark.parametrize("make", [branches, plain, attentive])
@pytest.mark.parametrize(("recipe", "least"), [(Recipe(), 28), (Recipe(PLAIN), 22)], ids=["default", "plain"])
def test_graphs_that_are_no_deit(make: Callable[[], Graph], recipe: Recipe, least: float) -> None:
    graph, rng = make(), np.random.default_rng(7)
    inputs = rng.normal(size=(80, TOKENS, CHANNELS))
    calibration, others = inputs[:64], inputs[64:]
    recipe.check_names(layer_names(graph))
    network = convert(graph, calibrate(graph, calibration, recipe), recipe)
    integers = rounded_rows(network, others)
    exact = run_float(graph, torch.from_numpy(others), {graph.output})[graph.output].numpy()
    results = run(network, integers)
    found = sqnr_db(exact, network.real(network.output, results[network.output]))
    print(f"{found:.1f} dB")
    assert found > least
    compiled = compile_network(network, CORE, trace=True)
    block = Emulator(compiled.image, CORE).run(compiled.pack_input(integers[0]), Order.LATE_WRITES)
    stored = compiled.read_output(block)
    for op in fuse(network):
        assert np.array_equal(stored[op.name], results[op.output][0]), op.name


def test_the_layers_of_a_recipe_are_those_of_the_graph() -> None:
    graph = attentive()
    assert layer_names(graph) == ["in", "embed", "norm", "q", "k", "v", "s", "o", "out", "final", "result"]
    recipe = Recipe(layers=(("q", {"weight_bits": 4}),))
    inputs = np.random.default_rng(0).normal(size=(8, TOKENS, CHANNELS))
    network = convert(graph, calibrate(graph, inputs, recipe), recipe)
    bits = {op.name: op.weight_bits for op in network.ops if isinstance(op, Linear)}
    assert {name for name, width in bits.items() if width == 4} == {"q0", "q1"}


def test_queries_and_keys_of_some_inputs_are_kept_however_many_there_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(recorder, "SAMPLE_TOKENS", 4 * TOKENS)
    inputs = np.random.default_rng(0).normal(size=(12, TOKENS, CHANNELS))
    sample = calibrate(attentive(), inputs, batch=5).attention["s"]
    assert (len(sample.q), len(sample.k)) == (4, 4)


def changed(graph: Graph, name: str, **values: object) -> Graph:
    return graph.changed({name: replace(graph[name], **values)})


def stream_reader() -> Graph:
    """A linear layer that reads the residual stream as it is."""
    made = Made(3)
    start = made.add(Constant("start", values=made.rng.normal(size=(TOKENS, WIDTH))))
    x = made.add(Add("x", (start, made.linear("stem", "in", WIDTH, CHANNELS))))
    return made.graph(made.linear("result", x, 5, WIDTH))


@pytest.mark.parametrize(
    ("graph", "words"),
    [
        (changed(attentive(), "s1", factor=0.5), "s1 scales scores by 0.5, but 1/√8 of its 8 channels"),
        (changed(attentive(), "o1", inputs=("p1", "v0")), "Softmax p. is no part of softmax"),
        (changed(branches(), "wide", inputs=("x",)), "Add x is of 16 bits"),
        (stream_reader(), "Add x is of 16 bits, which a linear layer reads through a LayerNorm only"),
    ],
)  # fmt: skip
def test_what_is_not_known_is_told_by_name(graph: Graph, words: str) -> None:
    inputs = np.random.default_rng(0).normal(size=(2, TOKENS, CHANNELS))
    with pytest.raises(PointwiseError, match=words) as caught:
        network = convert(graph, calibrate(graph, inputs), Recipe())
        compile_network(network, CORE)
    assert "\n" not in str(caught.value)


def test_inputs_of_another_shape_are_told() -> None:
    with pytest.raises(
        PointwiseError, match=r"have the shape \(2, 3, 4\), but made takes .* \(inputs, 9, 6\)"
    ):
        calibrate(plain(), np.zeros((2, 3, 4)))


def test_progress_counts_all_operators() -> None:
    torch.manual_seed(0)
    module = nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 3))
    source = pw.load(module, torch.zeros(1, 6), name="net")
    seen: list[tuple[int, int]] = []
    pw.quantise(pw.calibrate(source, torch.randn(8, 6)), progress=lambda *done: seen.append(done))
    assert seen == [(done, len(seen)) for done in range(1, len(seen) + 1)] and len(seen) >= 3
