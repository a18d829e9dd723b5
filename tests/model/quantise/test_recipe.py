"""Recipes: what holds for which layer, and a sentence for everything that a file may not say."""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pointwise.hw.contract.errors import PointwiseError
from pointwise.model.evaluate import integer_logits, sqnr_db
from pointwise.model.frontends import DeiTNetwork
from pointwise.model.graph.ops import Input, LayerNorm, Linear, MatMul
from pointwise.model.models.deit import deit_graph
from pointwise.model.networks import DeiTConfig
from pointwise.model.quantise import LayerConfig, Recipe, load_network, load_recipe, save_network
from pointwise.model.quantise.convert import layer_names
from pointwise.model.quantise.ranges.minmax import MinMax
from pointwise.model.quantise.recipe import PLAIN
from pointwise.model.quantise.rounding import REMAINING
from pointwise.model.synthetic import synthetic_checkpoint, synthetic_images
from tests.model.graph.equality import same

CONFIG = DeiTConfig(
    image_size=4, patch=2, in_channels=1, dim=8, depth=2, heads=2, mlp_ratio=2, classes=3, distilled=True
)


@pytest.fixture(scope="module")
def state():
    return synthetic_checkpoint(CONFIG).state


@pytest.fixture(scope="module")
def images():
    return synthetic_images(CONFIG, 6)


def written(folder: Path, text: str) -> Path:
    path = folder / "recipe.toml"
    path.write_text(text)
    return path


def test_later_patterns_win_over_earlier_ones_and_the_default(tmp_path):
    recipe = load_recipe(
        written(
            tmp_path,
            '[default]\nrange = "kl"\n[layers."blocks.*"]\nrounding = "nearest"\nweight_bits = 6\n'
            '[layers."blocks.1.mlp.*"]\nweight_bits = 4\nsearch = false\n',
        )
    )
    assert recipe["head"] == LayerConfig(range="kl")
    assert recipe["blocks.0.mlp.fc1"] == LayerConfig(range="kl", rounding="nearest", weight_bits=6)
    assert recipe["blocks.1.mlp.fc1"] == replace(recipe["blocks.0.mlp.fc1"], weight_bits=4, search=False)


def test_an_empty_file_is_the_default(tmp_path):
    assert load_recipe(written(tmp_path, "")) == Recipe()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "[default]\nrange = 'median'",
            'says default.range "median": There is no calibration range method',
        ),
        ("[default]\nrange = 3", "says default.range 3, but a text was expected"),
        ("[default]\nranges = 'kl'", "has default.ranges, which is not known"),
        ("[default]\nsearch = 1", "says default.search 1, but true or false was expected"),
        ("[default]\nweight_bits = 9", "says default.weight_bits 9, but at most 8 was expected"),
        ("[default]\nweight_bits = true", "says default.weight_bits true, but a whole number was expected"),
        (
            "[default]\nfactors = 'two'",
            "says default.factors \"two\", but 'none', 'range' or 'error' was expected",
        ),
        ("[layers.'head']\nrounding = 'up'", 'says layers.head.rounding "up": There is no rounding method'),
        ("[layers]\nhead = 3", "says layers.head 3, but an object was expected"),
        ("[network]\n", "has network, which is not known"),
        ("default = 3", "says default 3, but an object was expected"),
        ("[default", "is not TOML"),
        ("[default]\nrange = 'no.such:Thing'", "range method 'no.such:Thing' cannot be imported"),
        ("[default]\nrange = 'math:pi'", "range method 'math:pi' is no class or function"),
    ],
)
def test_what_is_wrong_is_told_in_a_sentence(tmp_path, text, words):
    path = written(tmp_path, text)
    with pytest.raises(PointwiseError) as caught:
        load_recipe(path)
    assert words in str(caught.value)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value) or "TOML" in words


def test_a_missing_file_is_told_in_a_sentence(tmp_path):
    with pytest.raises(PointwiseError, match=r"none\.toml cannot be read \(No such file"):
        load_recipe(tmp_path / "none.toml")


def test_a_pattern_for_nothing_is_refused(state, images):
    recipe = Recipe(layers=(("blocks.7.*", {"search": False}),))
    with pytest.raises(PointwiseError, match=r"'blocks\.7\.\*' matches no layer .* such as image"):
        DeiTNetwork(CONFIG, state).quantise(images, recipe=recipe)


def test_names_are_those_of_the_integer_layers(state, images):
    network = DeiTNetwork(CONFIG, state).quantise(images)
    kinds = Input | Linear | MatMul | LayerNorm
    names = layer_names(deit_graph(CONFIG, state))
    assert {op.layer for op in network.ops if isinstance(op, kinds)} == set(names)
    assert len(names) == len(set(names))


CHANGES = {
    "range": ("test:Doubled", "blocks.0.attn.v"),
    "granularity": ("channel", "blocks.0.attn.v"),
    "search": (True, "blocks.0.mlp.fc1"),
    "factors": ("range", "blocks.0.norm2"),
    "weight_range": ("test:halved", "blocks.0.mlp.fc2"),
    "weight_granularity": ("channel", "blocks.0.mlp.fc2"),
    "weight_bits": (4, "blocks.0.mlp.fc2"),
    "rounding": ("gptq", "blocks.0.mlp.fc2"),
    "bias_correction": ("mean", "blocks.0.mlp.fc2"),
}


class Doubled(MinMax):
    """A range method of a user's own: twice the full range."""

    def min_max(self, symmetric):
        low, high = super().min_max(symmetric)
        return 2 * low, 2 * high


def halved(weight, importance, limit):
    """A weight range of a user's own: half of each row's largest weight."""
    return np.abs(weight).max(axis=1) / 2


def halves(weight, error, limit, iterations):
    """A rounding of a user's own that gives no integers."""
    return weight / 2


@pytest.fixture
def mine(monkeypatch):
    """This file as a module that recipes can name."""
    monkeypatch.setitem(sys.modules, "test", sys.modules[__name__])


@pytest.mark.parametrize("key", CHANGES)
def test_every_key_changes_the_layers_that_it_names_and_their_block_only(state, images, mine, key):
    value, pattern = CHANGES[key]
    usual = DeiTNetwork(CONFIG, state).quantise(images, recipe=Recipe(PLAIN))
    other = DeiTNetwork(CONFIG, state).quantise(images, recipe=Recipe(PLAIN, ((pattern, {key: value}),)))
    differ = {a.name for a, b in zip(usual.ops, other.ops, strict=True) if not same(a, b)}
    part = pattern.replace("norm2", "mlp.fc1")
    assert any(name.startswith(part) for name in differ), differ
    assert all(name.startswith("blocks.0.") for name in differ), differ


def test_bits_and_granularity_show_in_the_integers(state, images):
    recipe = Recipe(PLAIN, (("*.fc2", {"weight_bits": 3}), ("*.attn.v", {"granularity": "head"})))
    network = DeiTNetwork(CONFIG, state).quantise(images, recipe=recipe)
    assert np.abs(network["blocks.0.mlp.fc2"].weight).max() == 3
    assert network["blocks.0.mlp.fc2"].weight_bits == 4
    for op in network.ops:
        if op.layer.endswith(".attn.v"):
            assert np.ptp(op.quantisation.scale) == 0

    def step(name: str) -> float:
        return network[f"blocks.0.attn.{name}"].quantisation.step

    assert step("v.0") != step("v.1")
    assert step("k.0") == step("k.1")


def test_scales_are_chosen_for_the_bits_that_weights_have(monkeypatch):
    """Of few bits weights lose more than what they read: LayerNorm's factors and the context give way."""
    assert LayerConfig().weight_noise == REMAINING["gptq"]
    assert LayerConfig(weight_bits=4, rounding="nearest").weight_noise == (127 / 7) ** 2
    config = replace(CONFIG, image_size=8, dim=64, heads=4, mlp_ratio=4, classes=10)
    images = synthetic_images(config, 48, seed=2)
    source = DeiTNetwork(config, synthetic_checkpoint(config).state)
    recipe = Recipe(LayerConfig(weight_bits=4))
    statistics = source.calibrate(images[:16], recipe)
    exact = source.results(images[16:])

    def kept() -> float:
        return sqnr_db(exact, integer_logits(source.convert(statistics, recipe), images[16:].numpy()))

    aware = kept()
    monkeypatch.setattr(LayerConfig, "weight_noise", REMAINING["gptq"])
    assert aware > kept() + 0.5


def test_the_recipe_stays_with_the_saved_network(state, images, tmp_path):
    recipe = Recipe(LayerConfig(range="percentile"), (("blocks.*.mlp.*", {"rounding": "nearest"}),))
    save_network(tmp_path / "n.safetensors", DeiTNetwork(CONFIG, state).quantise(images, recipe=recipe))
    stored = load_network(tmp_path / "n.safetensors").info["recipe"]
    assert Recipe.from_dict(stored) == recipe


def test_methods_of_the_user_are_found_by_import(state, images, mine):
    plain = DeiTNetwork(CONFIG, state).quantise(images, recipe=Recipe(PLAIN))
    doubled = DeiTNetwork(CONFIG, state).quantise(images, recipe=Recipe(replace(PLAIN, range="test:Doubled")))
    name = "blocks.0.attn.v.0"
    assert doubled[name].quantisation.step == pytest.approx(2 * plain[name].quantisation.step)
    with pytest.raises(PointwiseError, match="'test:halves' gave patch_embed something else than integers"):
        DeiTNetwork(CONFIG, state).quantise(images, recipe=Recipe(replace(PLAIN, rounding="test:halves")))
