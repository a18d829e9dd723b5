"""A network that is partly float: at both ends it must be the float network and the integer model."""

import numpy as np
import pytest
import torch

from pointwise.model.deit import DeiT
from pointwise.model.frontends import DeiTNetwork
from pointwise.model.graph import run
from pointwise.model.measure.mixed import MixedNetwork
from pointwise.model.networks import DeiTConfig
from pointwise.model.quantise import patchify
from pointwise.model.synthetic import synthetic_checkpoint, synthetic_images

CONFIG = DeiTConfig(
    image_size=8, patch=4, in_channels=3, dim=24, depth=2, heads=2, mlp_ratio=3, classes=7, distilled=True
)


@pytest.fixture(scope="module")
def case():
    state = synthetic_checkpoint(CONFIG, seed=1).state
    network = DeiTNetwork(CONFIG, state).quantise(synthetic_images(CONFIG, 12, seed=2))
    return state, network, MixedNetwork(network, state, CONFIG), synthetic_images(CONFIG, 3, seed=3).numpy()


def test_without_integers_it_is_the_float_network(case):
    state, _, mixed, images = case
    results = mixed.run(images)
    exact = {}
    net = DeiT.from_state(CONFIG, state).double()
    for index, block in enumerate(net.blocks):
        block.attn.proj.register_forward_pre_hook(lambda m, i, key=index: exact.update({f"o{key}": i[0]}))
        block.register_forward_hook(lambda m, i, o, key=index: exact.update({f"x{key}": o}))
    with torch.inference_mode():
        logits = net(torch.from_numpy(images).double()).numpy()
    assert np.allclose(results[mixed.ops[-1].name][:, 0], logits, atol=1e-9)
    for index in range(CONFIG.depth):
        block = f"blocks.{index}"
        context = np.concatenate([results[f"{block}.attn.o.{head}"] for head in range(2)], axis=-1)
        assert np.allclose(context, exact[f"o{index}"], atol=1e-9)
        assert np.allclose(results[f"{block}.mlp.fc2"], exact[f"x{index}"], atol=1e-9)


def test_with_all_integers_it_is_the_integer_model_bit_for_bit(case):
    _, network, mixed, images = case
    results = mixed.run(images, {op.name for op in mixed.ops})
    expected = run(network, patchify(network, images))
    for op in mixed.ops:
        integers = op.quantisation.rounded(results[op.name], op.dtype)
        assert np.array_equal(integers, expected[op.output]), op.name
        assert np.allclose(op.quantisation.real(expected[op.output]), results[op.name]), op.name


def test_an_integer_layer_changes_nothing_in_front_of_it(case):
    _, _, mixed, images = case
    names = [op.name for op in mixed.ops]
    plain = mixed.run(images)
    for name in ("blocks.0.attn.s.1", "blocks.1.mlp.fc1", "head"):
        results = mixed.run(images, {name})
        first = next(n for n in names if not np.array_equal(results[n], plain[n]))
        assert first == name


def test_copies_of_tensors_go_their_own_way(case):
    _, _, mixed, images = case
    tensors = mixed.start(images)
    for op in mixed.ops[:9]:
        mixed.step(op, tensors, False)
    copy = tensors.copy()
    for op in mixed.ops[9:]:
        mixed.step(op, copy, True)
    for op in mixed.ops[9:]:
        mixed.step(op, tensors, False)
    assert np.array_equal(tensors.values["logits"], mixed.run(images)["head_dist"])


def test_heads_are_parts_of_one_layer(case):
    _, _, mixed, _ = case
    layers = {op.name: mixed.layer(op) for op in mixed.ops}
    assert layers["blocks.0.attn.q.1"] == "blocks.0.attn.q"
    assert layers["blocks.1.mlp.fc1"] == "blocks.1.mlp.fc1"
