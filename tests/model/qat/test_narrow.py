"""Activations of few bits: what products read has so many values, sums and means keep theirs, and it runs."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from pointwise.hw.contract.config import CoreConfig
from pointwise.model.compiler import compile_network
from pointwise.model.emulator import Emulator
from pointwise.model.evaluate import integer_logits, sqnr_db
from pointwise.model.fitting import TrainingRecipe
from pointwise.model.frontends import DeiTNetwork, GraphNetwork
from pointwise.model.graph import run, run_float
from pointwise.model.graph.ops import Activation, Conv2d, Linear, MeanPool
from pointwise.model.handwriting import SIDE, HandwritingImages
from pointwise.model.models.mobilenet import mobilenet_v1
from pointwise.model.models.resnet import resnet
from pointwise.model.qat import QatRecipe, train_aware
from pointwise.model.qat.narrow import narrowed
from pointwise.model.qat.network import QuantisedNetwork
from pointwise.model.qat.places import edges, multiplied, weighted
from pointwise.model.quantise import patchify
from pointwise.model.train_pictures import trained_state

SIZE = (SIDE, SIDE)
BUILD = {"resnet20": resnet, "mobilenet_v1_quarter": mobilenet_v1}
SHORT = TrainingRecipe(epochs=1, batch=6, learning_rate=1e-4, warmup_epochs=0)


def source_of(name: str) -> GraphNetwork:
    return BUILD[name](trained_state(name), SIZE, name)


def images(count: int, seed: int) -> HandwritingImages:
    """Blots, which are no digits."""
    rng = np.random.default_rng(seed)
    pixels = np.kron(rng.integers(0, 256, (count, 1, SIDE // 4, SIDE // 4)), np.ones((1, 1, 4, 4)))
    return HandwritingImages(pixels.astype(np.uint8), rng.integers(0, 10, count))


@pytest.mark.parametrize("name", BUILD)
def test_without_rounding_nothing_changes(name: str) -> None:
    source = source_of(name)
    rows = torch.from_numpy(source.rows(images(2, 1).normalised()))
    graph = narrowed(source.graph, 4)
    exact, got = (run_float(one, rows)[one.output] for one in (source.graph, graph))
    torch.testing.assert_close(got, exact, rtol=0, atol=1e-9)


def test_products_of_a_residual_network_read_few_bits_and_sums_all() -> None:
    graph = narrowed(source_of("resnet20").graph, 4)
    read = [graph[name] for op in weighted(graph) for name in op.inputs]
    assert {op.bits for op in read if isinstance(op, Activation)} == {4}
    for op in graph.ops:
        if isinstance(op, Conv2d):
            assert isinstance(graph[op.inputs[0]], Activation)
        elif isinstance(op, MeanPool):
            assert graph[op.inputs[0]].bits == 8


@pytest.mark.parametrize("bits", [2, 4])
@pytest.mark.parametrize("name", BUILD)
def test_a_trained_network_runs_bit_for_bit(name: str, bits: int) -> None:
    source, train = source_of(name), images(12, 2)
    recipe = QatRecipe(weight_bits=bits, activation_bits=bits, edge_bits=8, training=SHORT)
    result = train_aware(source, train, train, recipe)
    network, edge = result.network, edges(result.network)
    values = run(network, patchify(network, train.normalised()[:2]))
    for op in network.ops:
        if isinstance(op, Activation) and op.bits == bits:
            levels = np.unique(values[op.name])
            assert len(levels) <= 1 << bits and levels.max() - levels.min() < 1 << bits
    for op in weighted(network):
        most = 127 if op.name in edge else (1 << bits - 1) - 1
        assert np.abs(op.weight).max() <= most and op.weight_bits == (8 if op.name in edge else bits)
        reads = network[op.inputs[0]]
        assert op.name in edge or (isinstance(reads, Activation) and reads.bits == bits)
    with torch.no_grad():
        fake = result.quantised(torch.from_numpy(train.normalised())).double().numpy()
    # Where the least bit of a product lies on the border of two of the few values, the next layers differ by
    # a whole step: the deeper, the more. What the core does is the integers', which is exact.
    assert sqnr_db(fake, integer_logits(network, train.normalised())) > 8
    core = CoreConfig(rows=8, cols=8, act_kib=64, max_tokens=SIDE * SIDE)
    compiled = compile_network(network, core)
    rows = patchify(network, train.normalised()[:1])[0]
    output = Emulator(compiled.image, core).run(compiled.pack_input(rows))
    assert np.array_equal(compiled.read_output(output)[network.output], run(network, rows)[network.output])


def test_integers_of_few_bits_are_those_of_the_quantisers() -> None:
    """What training rounds to, integer by integer, where a product makes it."""
    source, given = source_of("mobilenet_v1_quarter"), images(8, 5)
    recipe = QatRecipe(weight_bits=8, activation_bits=4, training=SHORT)
    result = train_aware(source, given, given, recipe)
    network, steps = result.network, result.quantised.steps()
    pixels = torch.from_numpy(given.normalised())
    first = next(op.name for op in network.ops if isinstance(op, Activation))
    exact = run_float(result.quantised.exported(), torch.from_numpy(source.rows(pixels.numpy())))[first]
    integers = run(network, patchify(network, given.normalised()))[first]
    assert network[first].quantisation.step == pytest.approx(steps[first])
    wanted = np.round(exact.numpy() / steps[first])
    assert np.mean(integers == wanted) > 0.97, "but for what lies between two integers"


def test_layer_norms_and_contexts_keep_eight_bits(checkpoint) -> None:
    network = QuantisedNetwork(DeiTNetwork.of(checkpoint, "deit"), 4)
    bits = {place.name: place.bits for place in network.places}
    assert bits["blocks.0.norm1"] == bits["blocks.0.attn.context"] == 8
    assert bits["blocks.0.mlp.act"] == 4


def test_a_function_without_a_least_value_keeps_eight_bits() -> None:
    source = source_of("mobilenet_v1_quarter")
    found = [op for op in source.graph.ops if isinstance(op, Activation)]
    graph = source.graph.changed({op.name: replace(op, function="leaky_relu") for op in found})
    made = narrowed(graph, 4)
    assert {op.bits for op in made.ops if isinstance(op, Activation)} == {8}
    assert any(multiplied(graph, op.name) for op in graph.ops if isinstance(op, Linear | Activation))
