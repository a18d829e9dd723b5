"""Hidden channels in groups with tables of their own: the same network, finer integers."""

import io
from dataclasses import replace

import numpy as np
import pytest
import torch

from pointwise.hw.contract.config import CoreConfig
from pointwise.model.compiler import compile_network
from pointwise.model.emulator import Emulator
from pointwise.model.evaluate import sqnr_db
from pointwise.model.export.torch_file import encode
from pointwise.model.frontends import DeiTNetwork
from pointwise.model.graph import Graph, run, run_float
from pointwise.model.graph.ops import Concat
from pointwise.model.measure.mixed import MixedNetwork
from pointwise.model.models.deit import deit_graph
from pointwise.model.networks import DeiTConfig
from pointwise.model.quantise import load_network, patchify, save_network
from pointwise.model.quantise.channel_groups import UNIT, allowed, choose_groups, divided, divisible
from pointwise.model.quantise.ranges.minmax import MinMax
from pointwise.model.quantise.recipe import LayerConfig, Recipe
from pointwise.model.quantise.statistics import Statistics
from pointwise.model.quantise.trained import TrainedQuantisation
from pointwise.model.synthetic import synthetic_checkpoint, synthetic_images

CONFIG = DeiTConfig(image_size=8, patch=4, in_channels=3, dim=32, depth=2, heads=2, mlp_ratio=8, classes=5)
FAR = 9
"""Channels that reach far, in the first block."""
ACT = "blocks.0.mlp.act"


@pytest.fixture(scope="module")
def state() -> dict[str, torch.Tensor]:
    """Some hidden channels of the first block are ten times as large, and read with a tenth of the weight."""
    state = {name: tensor.clone() for name, tensor in synthetic_checkpoint(CONFIG, seed=3).state.items()}
    for part in ("weight", "bias"):
        state[f"blocks.0.mlp.fc1.{part}"][:: CONFIG.hidden // FAR] *= 10
    state["blocks.0.mlp.fc2.weight"][:, :: CONFIG.hidden // FAR] /= 10
    return state


@pytest.fixture(scope="module")
def network(state) -> Graph:
    return DeiTNetwork(CONFIG, state).quantise(synthetic_images(CONFIG, 24, seed=4))


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    return synthetic_images(CONFIG, 8, seed=5).numpy()


def test_channels_that_reach_far_are_alone():
    reach = np.full(4 * UNIT, 1.0)
    reach[[3, 200]] = 12
    small, far = choose_groups(reach, np.ones(4 * UNIT))
    assert len(far) == UNIT
    assert {3, 200} <= set(far)
    assert np.array_equal(np.sort(np.concatenate([small, far])), np.arange(4 * UNIT))


@pytest.mark.parametrize("channels", [4 * UNIT, 4 * UNIT + 8, 24])
def test_channels_that_are_alike_are_one_group(channels):
    (only,) = choose_groups(np.linspace(1, 1.3, channels), np.ones(channels))
    assert np.array_equal(only, np.arange(channels))


def test_a_network_in_groups_is_the_same_network(state, images):
    graph = deit_graph(CONFIG, state)
    assert [op.name for op in divisible(graph)] == [ACT, "blocks.1.mlp.act"]
    order = np.random.default_rng(6).permutation(CONFIG.hidden)
    parts = divided(graph, {ACT: [order[:UNIT], order[UNIT : 3 * UNIT], order[3 * UNIT :]]})
    rows = torch.from_numpy(np.random.default_rng(7).normal(0, 1, (2, *graph.input.shape)))
    exact, got = (run_float(one, rows)[one.output] for one in (graph, parts))
    np.testing.assert_allclose(got, exact, atol=1e-10)
    np.testing.assert_allclose(
        run_float(parts, rows)[ACT], run_float(graph, rows)[ACT][..., order], atol=1e-12
    )


def test_groups_are_finer(network, state, images):
    coarse = DeiTNetwork(CONFIG, state).quantise(
        synthetic_images(CONFIG, 24, seed=4),
        recipe=Recipe(layers=(("blocks.*.mlp.fc1", {"granularity": "tensor"}),)),
    )
    assert isinstance(network[ACT], Concat)
    assert not any(isinstance(op, Concat) for op in coarse.ops if op.layer == ACT)
    rows = {name: MixedNetwork(one, state, CONFIG) for name, one in (("fine", network), ("coarse", coarse))}
    noise = {}
    for name, mixed in rows.items():
        exact, got = (mixed.run(images, integer) for integer in ((), {op.name for op in mixed.ops}))
        noise[name] = sqnr_db(exact["blocks.0.mlp.fc2"], got["blocks.0.mlp.fc2"])
    print(noise)
    assert noise["fine"] > noise["coarse"] + 1


def test_the_core_runs_groups_and_files_keep_them(network, images, tmp_path):
    save_network(tmp_path / "network.safetensors", network)
    again = load_network(tmp_path / "network.safetensors")
    assert again.info["groups"] == network.info["groups"]
    for config in (CoreConfig(rows=8, cols=8), CoreConfig(rows=4, cols=16)):
        compiled = compile_network(again, config, True)
        rows = patchify(again, images[:1])[0]
        found = compiled.read_output(Emulator(compiled.image, config, 1).run(compiled.pack_input(rows)))
        wanted = run(network, rows)
        assert np.array_equal(found[network.output], wanted[network.output])
        assert np.array_equal(found["blocks.0.mlp.fc1.0"], wanted[f"{ACT}.0"])


def test_an_export_has_the_old_order(network, state):
    """Integers have the signs of the weights that they stand for."""
    model = torch.load(io.BytesIO(encode(network)), weights_only=True)["model"]
    for key in ("blocks.0.mlp.fc1.weight", "blocks.0.mlp.fc2.weight"):
        integers, real = model[key].double().numpy(), state[key].double().numpy()
        told = np.abs(integers) > 1
        assert (np.sign(integers) == np.sign(real))[told].mean() > 0.99, key


def test_one_scale_a_tensor_is_one_group(state):
    plain = Recipe(replace(Recipe().default, granularity="tensor"))
    made = DeiTNetwork(CONFIG, state).quantise(synthetic_images(CONFIG, 24, seed=4), recipe=plain)
    assert "groups" not in made.info


def test_what_training_has_fixed_is_not_divided(state):
    trained = TrainedQuantisation(steps={ACT: 0.1})
    made = DeiTNetwork(CONFIG, state).quantise(synthetic_images(CONFIG, 24, seed=4), trained=trained)
    assert ACT not in made.info.get("groups", {})
    assert made[ACT].quantisation.scale == 0.1


def test_recipe_of_a_group_is_that_of_its_layer(state):
    recipe = Recipe(LayerConfig(), (("blocks.0.mlp.fc1", {"weight_bits": 4}),))
    made = DeiTNetwork(CONFIG, state).quantise(synthetic_images(CONFIG, 24, seed=4), recipe=recipe)
    assert made["blocks.0.mlp.fc1.0"].weight_bits == made["blocks.0.mlp.fc1.1"].weight_bits == 4


def test_headroom_is_less_where_more_was_seen():
    seen = Statistics(images=8)
    seen.reach["act"] = MinMax(3)
    seen.reach["act"].update(torch.tensor([[-1.0, 2.0, 10.0], [-2.0, 9.0, 4.0]]))
    np.testing.assert_allclose(allowed(seen, "act"), [0, 10, 10])
    np.testing.assert_allclose(allowed(replace(seen, images=3200), "act"), [0, 9 * 1.03, 10])
