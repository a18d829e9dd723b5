"""A whole DeiT: structure, exact class tokens, and how close the integers come to the float network."""

import dataclasses

import numpy as np
import pytest
import torch

from pointwise.hw.contract.errors import PointwiseError
from pointwise.model import digits
from pointwise.model.checkpoints import MICRO_DIGITS, load_checkpoint
from pointwise.model.deit import DeiT
from pointwise.model.engine import fuse
from pointwise.model.engine.op import Accumulate, TokenSums
from pointwise.model.evaluate import evaluate, sqnr_db
from pointwise.model.frontends import DeiTNetwork
from pointwise.model.graph import run
from pointwise.model.graph.ops import LayerNorm, Linear, MatMul
from pointwise.model.networks import DeiTConfig, network
from pointwise.model.quantise import patchify
from pointwise.model.quantise.recipe import LayerConfig, Recipe
from pointwise.model.synthetic import synthetic_checkpoint, synthetic_images
from tests.model.graph.equality import same

SMALL = DeiTConfig(
    image_size=8, patch=4, in_channels=3, dim=24, depth=2, heads=2, mlp_ratio=3, classes=7, distilled=True
)


@pytest.fixture(scope="module")
def micro():
    return load_checkpoint(MICRO_DIGITS)


@pytest.fixture(scope="module")
def data():
    return digits.load()


@pytest.mark.parametrize("recipe", [Recipe(), Recipe(LayerConfig(range="mse"))])
def test_micro_digits_lose_nothing_that_matters(micro, data, recipe):
    integers = DeiTNetwork(micro.config, micro.state).quantise(data.calibration.normalised(), recipe=recipe)
    held_out = data.held_out
    source = DeiTNetwork(micro.config, micro.state)
    result = evaluate(integers, source, held_out.normalised(), held_out.labels)
    print(f"float {result.top1_float:.2f} %, integer {result.top1_integer:.2f} %, {result.sqnr_db:.1f} dB")
    assert result.top1_float >= 99
    assert abs(result.top1_integer - result.top1_float) <= 0.3
    assert result.agreement >= 99
    assert result.sqnr_db >= 38


def test_a_head_that_is_pruned_gives_nothing(micro, data):
    """Queries, keys and values of zeros: the head's output is zero, and the others' stay what they were."""
    state = {name: tensor.clone() for name, tensor in micro.state.items()}
    for first in range(0, 3 * micro.config.dim, micro.config.dim):
        for part in ("weight", "bias"):
            state[f"blocks.1.attn.qkv.{part}"][first : first + micro.config.dim // micro.config.heads] = 0
    integers = DeiTNetwork(micro.config, state).quantise(data.calibration.normalised())
    held_out = data.held_out
    result = evaluate(integers, DeiTNetwork(micro.config, state), held_out.normalised(), held_out.labels)
    assert result.sqnr_db >= 35


@pytest.fixture(scope="module")
def small():
    return synthetic_checkpoint(SMALL, seed=1)


@pytest.fixture(scope="module")
def small_integers(small):
    return DeiTNetwork(SMALL, small.state, "small").quantise(synthetic_images(SMALL, 16, seed=2))


def test_epsilon_is_that_of_the_network(small, small_integers):
    """What the hardware adds to Σ(x − μ)² is H · ε in units of the residual's step, squared."""
    config = dataclasses.replace(SMALL, norm_eps=0.5)
    other = DeiTNetwork(config, small.state).quantise(synthetic_images(SMALL, 16, seed=2))
    for network_, eps in ((small_integers, SMALL.norm_eps), (other, 0.5)):
        sums = fuse(network_)[0].stage(TokenSums)
        assert sums.constants.epsilon == round(SMALL.dim * eps / network_["x"].quantisation.scale ** 2)


def test_every_stage_of_a_distilled_network_follows_the_float_one(small, small_integers):
    images = synthetic_images(SMALL, 6, seed=3)
    net = DeiT.from_state(SMALL, small.state)
    exact = {}
    net.blocks[0].register_forward_pre_hook(lambda m, i: exact.update({"patch_embed": i[0]}))
    for index, block in enumerate(net.blocks):
        name = f"blocks.{index}"
        block.norm2.register_forward_pre_hook(lambda m, i, key=f"{name}.attn.proj": exact.update({key: i[0]}))
        block.register_forward_hook(lambda m, i, o, key=f"{name}.mlp.fc2": exact.update({key: o}))
    with torch.inference_mode():
        logits = net(images).numpy()
    values = run(small_integers, patchify(small_integers, images.numpy()))
    results = {op.name: op.quantisation.real(values[op.output]) for op in fuse(small_integers)}
    assert sqnr_db(exact["patch_embed"].numpy(), results["patch_embed"]) > 40
    for name, values in exact.items():
        # The outlier channel would hide all others.
        ordinary = values.abs().amax(dim=(0, 1)) < 10 * values.abs().mean()
        got = torch.from_numpy(results[name])
        assert sqnr_db(values[..., ordinary].numpy(), got[..., ordinary].numpy()) > 24, name
    assert sqnr_db(logits, results["head_dist"][:, 0]) > 24


def test_class_tokens_start_exactly(small, small_integers):
    images = synthetic_images(SMALL, 2, seed=3)
    start = run(small_integers, patchify(small_integers, images.numpy()))["patch_embed.add"][:, :2]
    state = small.state
    tokens = torch.cat([state["cls_token"][0], state["dist_token"][0]]) + state["pos_embed"][0, :2]
    exact = np.floor(tokens.double().numpy() / small_integers["x"].quantisation.scale + 0.5)
    assert np.array_equal(start, np.broadcast_to(exact, start.shape))


def test_operations_are_in_order_and_complete(small_integers):
    ops = fuse(small_integers)
    names = [op.name for op in ops]
    assert names[0] == "patch_embed"
    assert names[-2:] == ["head", "head_dist"]
    heads = [f"blocks.0.attn.{letter}.{head}" for head in range(2) for letter in "qkvso"]
    assert names[1:14] == [*heads, "blocks.0.attn.proj", "blocks.0.mlp.fc1", "blocks.0.mlp.fc2"]
    head, head_dist = ops[-2:]
    assert (head.first, head.tokens, head.stage(Accumulate)) == (0, 1, None)
    assert (head_dist.first, head_dist.tokens, head_dist.stage(Accumulate)) == (1, 1, Accumulate("head"))
    assert small_integers.macs == SMALL.macs
    assert small_integers.output == "logits"


def test_arrays_are_of_the_hardware_types_and_ranges(small_integers):
    for op in small_integers.ops:
        if isinstance(op, Linear | MatMul):
            assert op.bias.dtype == np.int32
            assert op.mult.dtype == np.uint16
            assert op.mult.min() >= 2**15
            assert op.shift.min() >= 1
            assert op.shift.max() <= 47
        if isinstance(op, Linear):
            assert op.weight.dtype == np.int8
            assert op.weight.min() >= -127
            assert len(op.weight) == len(op.bias)
        if isinstance(op, LayerNorm):
            assert op.channel_shift.max() <= 15
    assert small_integers["x"].values.dtype == np.int16


def test_the_parts_of_a_head_know_their_layer(small_integers):
    for op in fuse(small_integers):
        layer, _, head = op.name.rpartition(".")
        assert small_integers[op.name].layer == (layer if head.isdigit() else op.name)


def test_equal_inputs_give_equal_networks(small):
    images = synthetic_images(SMALL, 4)
    first, second = (DeiTNetwork(SMALL, small.state).quantise(images) for _ in range(2))
    assert all(same(a, b) for a, b in zip(first.ops, second.ops, strict=True))


def test_outlier_channels_of_deit_tiny(monkeypatch):
    """DeiT-Tiny cut to three blocks, with outlier channels of 40 times the ordinary size."""
    config = DeiTConfig.from_dict(network("deit_tiny").to_dict() | {"depth": 3})
    checkpoint = synthetic_checkpoint(config)
    integers = DeiTNetwork(config, checkpoint.state).quantise(synthetic_images(config, 8, seed=1))
    shifts = np.concatenate([op.channel_shift for op in integers.ops if isinstance(op, LayerNorm)])
    assert shifts.max() >= 3
    result = evaluate(integers, DeiTNetwork(config, checkpoint.state), synthetic_images(config, 2))
    print(f"{result.sqnr_db:.1f} dB")
    assert result.sqnr_db >= 25


# Errors -----------------------------------------------------------------------------------------------------


def test_weights_that_are_not_finite_are_told_in_a_sentence(small):
    state = dict(small.state)
    state["head.bias"] = torch.full_like(state["head.bias"], torch.inf)
    with pytest.raises(PointwiseError, match=r"weights of head\.bias are not finite"):
        DeiTNetwork(SMALL, state).quantise(synthetic_images(SMALL, 2))


def test_a_network_without_signal_is_told_in_a_sentence(small):
    state = {key: torch.zeros_like(value) for key, value in small.state.items()}
    with pytest.raises(PointwiseError, match=r"The range of .* is zero"):
        DeiTNetwork(SMALL, state).quantise(synthetic_images(SMALL, 2))


def test_images_of_one_colour_are_told_in_a_sentence(small):
    with pytest.raises(PointwiseError, match="The range of pixels is zero"):
        DeiTNetwork(SMALL, small.state).quantise(torch.zeros(2, 3, 8, 8))


def test_wrong_arguments_are_told_in_a_sentence(small):
    images = synthetic_images(SMALL, 2)
    with pytest.raises(PointwiseError, match="calibration images have the shape"):
        DeiTNetwork(SMALL, small.state).quantise(images[:, :1])
    with pytest.raises(PointwiseError, match=r"pattern 'blocks\.9\.\*' matches no"):
        DeiTNetwork(SMALL, small.state).quantise(images, recipe=Recipe(layers=(("blocks.9.*", {}),)))
    with pytest.raises(PointwiseError, match="calibration batch is 0"):
        DeiTNetwork(SMALL, small.state).quantise(images, batch=0)
    with pytest.raises(PointwiseError, match="lacks cls_token"):
        DeiTNetwork(SMALL, {}).quantise(images)
