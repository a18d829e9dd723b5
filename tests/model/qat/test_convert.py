"""The inference path of a whole network: its integers are those of the quantisers, and they run."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from pointwise.hw.contract.config import CoreConfig
from pointwise.hw.contract.isa import Conv, StationarySource
from pointwise.model import digits
from pointwise.model.checkpoints import Checkpoint
from pointwise.model.compiler import Compiled, compile_network
from pointwise.model.deit import DeiT
from pointwise.model.emulator import Emulator, Order
from pointwise.model.emulator.stream import read_stream
from pointwise.model.engine import fuse
from pointwise.model.evaluate import integer_logits, sqnr_db
from pointwise.model.fitting import TrainingRecipe
from pointwise.model.frontends import DeiTNetwork
from pointwise.model.graph import Graph, Op, run
from pointwise.model.graph.ops import Linear
from pointwise.model.networks import DeiTConfig
from pointwise.model.optimisation import parameter_groups
from pointwise.model.qat import Pruner, QatRecipe, Quantiser, integer_network, quantiser_class, train_aware
from pointwise.model.qat.network import QuantisedNetwork
from pointwise.model.qat.places import weighted
from pointwise.model.quantise import Recipe, load_network, patchify, save_network
from pointwise.model.quantise.inputs import pixel_scales

SHORT = TrainingRecipe(epochs=1, batch=64, learning_rate=1e-3, warmup_epochs=1)
MINE = """
import torch
from pointwise.model.qat import Quantiser

class PowerOfTwo(Quantiser):
    def step(self, rows):
        return 2.0 ** torch.ceil(torch.log2(rows.detach().abs().amax(dim=1).clamp(min=1e-8) / self.high))
"""


def by_name(network: Graph) -> dict[str, Op]:
    return {op.name: op for op in network.ops}


def linears(network: Graph) -> dict[str, Linear]:
    return {op.name: op for op in network.ops if isinstance(op, Linear)}


def trained_integers(quantised: QuantisedNetwork) -> Iterator[tuple[str, np.ndarray, Quantiser]]:
    """Operators' names, with the integers that the quantisers give them."""
    for op in weighted(quantised.graph):
        layer = quantised.layer(op.name)
        assert layer.path is not None
        values = layer.path.prepared(layer.weight.detach())
        yield op.name, layer.path.quantiser.integers(values).numpy(), layer.path.quantiser


def test_without_quantisers_it_computes_what_the_network_does(checkpoint: Checkpoint, data: digits.Digits):
    images = torch.from_numpy(data.held_out.normalised()[:20])
    source = DeiTNetwork.of(checkpoint, "deit")
    with torch.no_grad():
        made = QuantisedNetwork(source)(images)
        wanted = DeiT.from_state(checkpoint.config, checkpoint.state)(images)
    assert torch.allclose(made, wanted, atol=1e-4)
    assert np.allclose(made, source.results(images), atol=1e-4)


def test_tokens_that_are_learnt_do_not_decay(checkpoint: Checkpoint):
    network = QuantisedNetwork(DeiTNetwork.of(checkpoint, "deit"))
    assert network.no_weight_decay() == {"constants.x"}
    decaying, spared = parameter_groups(network, 0.1)
    assert any(one is network.constants["x"] for one in spared["params"])
    assert not any(one is network.constants["x"] for one in decaying["params"])


@pytest.mark.parametrize(
    ("weights", "activations", "bits", "edge", "prune"),
    [
        ("lsq", "lsq", 4, None, "2:4"),
        ("sawb", "pact", 2, 8, None),
        ("minmax", None, 8, None, "1:4"),
        ("{mine}:PowerOfTwo", "{mine}:PowerOfTwo", 3, 4, None),
    ],
)
def test_the_integers_are_those_of_the_quantisers(
    checkpoint: Checkpoint, data: digits.Digits, tmp_path: Path, weights, activations, bits, edge, prune
):
    mine = tmp_path / "mine.py"
    mine.write_text(MINE)
    recipe = QatRecipe(
        weights.format(mine=mine), activations and activations.format(mine=mine), bits, edge, prune, SHORT
    )
    result = train_aware(DeiTNetwork.of(checkpoint, "deit"), data.train, data.calibration, recipe)
    layers = by_name(result.network)
    found = list(trained_integers(result.quantised))
    assert len(found) == len(linears(result.network))
    for name, integers, quantiser in found:
        wanted_bits = edge or bits if name in ("patch_embed", "head", "head_dist") else bits
        assert np.array_equal(layers[name].weight, integers), name
        assert quantiser.bits == wanted_bits
        assert layers[name].weight_bits == {2: 2, 3: 4, 4: 4, 8: 8}[wanted_bits]
        if prune:
            keep, group = Pruner.parse(prune).keep, Pruner.parse(prune).group
            groups = [integers[:, first : first + group] for first in range(0, integers.shape[1], group)]
            assert max(int((part != 0).sum(axis=1).max()) for part in groups) <= keep
    steps = result.quantised.steps()
    assert bool(steps) == (activations is not None)
    for index in range(checkpoint.config.depth if steps else 0):
        block = f"blocks.{index}"
        assert layers[f"{block}.mlp.act"].quantisation.step == pytest.approx(steps[f"{block}.mlp.act"])
        assert layers[f"{block}.attn.o.1"].quantisation.step == pytest.approx(steps[f"{block}.attn.context"])
        assert not layers[f"{block}.norm2"].channel_shift.any()
    images = data.held_out.normalised()[:100]
    with torch.no_grad():
        fake = result.quantised(torch.from_numpy(images)).double().numpy()
    assert sqnr_db(fake, integer_logits(result.network, images)) > 20, "the two paths of a whole network"


def test_colours_of_different_scales_keep_their_integers():
    """The scale of a colour is in the weights that the array multiplies, and so in what is quantised."""
    config = DeiTConfig(8, 4, 3, 8, 1, 2, 2, 5)
    rng = np.random.default_rng(0)
    images = torch.from_numpy(rng.normal(size=(64, 3, 8, 8)) * np.array([1, 5, 0.2])[:, None, None]).float()
    with torch.random.fork_rng():
        torch.manual_seed(0)
        source = DeiTNetwork(config, DeiT(config, init_std=0.2).state_dict())
    quantised = QuantisedNetwork(source)
    statistics = source.calibrate(images, Recipe())
    pixels = pixel_scales(statistics["pixels"], statistics.grids)
    assert pixels.scale.max() > 10 * pixels.scale.min()
    bits = dict.fromkeys((op.name for op in weighted(quantised.graph)), 4)
    quantised.attach_weights(quantiser_class("lsq"), bits, Pruner(2, 4), pixels)
    layers = by_name(integer_network(quantised, source, images))
    for name, integers, _ in trained_integers(quantised):
        assert np.array_equal(layers[name].weight, integers), name


def weights_of(compiled: Compiled) -> Iterator[tuple[str, np.ndarray]]:
    """The weights that the streams of an image hold, by instruction."""
    for line in compiled.program:
        if isinstance(line.instruction, Conv) and line.instruction.stationary == StationarySource.STREAM:
            yield line.name, read_stream(line.instruction, compiled.image, compiled.config).weight


@pytest.mark.parametrize("bits", [8, 4, 2])
def test_pruned_networks_run_bit_for_bit(
    checkpoint: Checkpoint, data: digits.Digits, tmp_path: Path, bits: int
):
    """From training to the image: zeros stay zeros, and the emulator agrees on every tensor."""
    recipe = QatRecipe(weight_bits=bits, prune="2:4", training=SHORT)
    network = train_aware(DeiTNetwork.of(checkpoint, "deit"), data.train, data.calibration, recipe).network
    save_network(tmp_path / "net.safetensors", network)
    network = load_network(tmp_path / "net.safetensors")
    assert {op.weight_bits for op in linears(network).values()} == {bits}
    compiled = compile_network(network, CoreConfig(rows=4, cols=8, max_tokens=16, act_kib=8, res_kib=4), True)
    layers, seen = by_name(network), set()
    for name, weight in weights_of(compiled):
        assert np.array_equal(weight, layers[name].weight), name
        for first in range(0, weight.shape[1], 4):
            assert int((weight[:, first : first + 4] != 0).sum(axis=1).max()) <= 2, name
        seen.add(name)
    assert seen == set(linears(network))
    image = patchify(network, data.held_out.normalised()[:1])[0]
    expected = run(network, image)
    for order in Order:
        output = compiled.read_output(
            Emulator(compiled.image, compiled.config).run(compiled.pack_input(image), order)
        )
        for op in fuse(network):
            assert np.array_equal(output[op.name], expected[op.output]), (op.name, order)
