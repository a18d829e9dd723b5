"""Measures of layers follow from the tensors; sensitivity from running each alone."""

import json

import numpy as np
import pytest

from pointwise.model.engine.op import RowMax
from pointwise.model.evaluate import evaluate, sqnr_db
from pointwise.model.frontends import DeiTNetwork
from pointwise.model.measure.layers import QUIETEST, _reach, _Record, alone, finite_decibels, measure, units
from pointwise.model.measure.mixed import MixedNetwork
from pointwise.model.networks import DeiTConfig
from pointwise.model.quantise import LayerConfig, Recipe
from pointwise.model.synthetic import synthetic_checkpoint, synthetic_images

CONFIG = DeiTConfig(
    image_size=8, patch=4, in_channels=3, dim=24, depth=2, heads=2, mlp_ratio=3, classes=7, distilled=True
)
ROUGH = "blocks.1.mlp.fc1"


@pytest.fixture(scope="module")
def case():
    state = synthetic_checkpoint(CONFIG, seed=1).state
    # One layer of 2 bits, which everything must point at.
    recipe = Recipe(LayerConfig(), ((ROUGH, {"weight_bits": 2, "rounding": "nearest"}),))
    network = DeiTNetwork(CONFIG, state).quantise(synthetic_images(CONFIG, 12, seed=2), recipe=recipe)
    images = synthetic_images(CONFIG, 5, seed=3).numpy()
    mixed = MixedNetwork(network, state, CONFIG)
    calls = []
    found = measure(mixed, images, 3, lambda done, total: calls.append((done, total)))
    return state, network, mixed, images, found, calls


def test_the_whole_network_is_what_evaluate_says(case):
    state, network, _, images, found, _ = case
    expected = evaluate(network, DeiTNetwork(CONFIG, state), images)
    assert found.sqnr_db == pytest.approx(expected.sqnr_db, abs=1e-3)
    assert found.agreement == expected.agreement
    assert (found.images, found.sensitivity_images) == (5, 3)


def test_layers_are_all_there_in_order_and_what_they_hold(case):
    _, _, mixed, _, found, _ = case
    assert [layer.name for layer in found.layers] == list(units(mixed))
    by_name = {layer.name: layer for layer in found.layers}
    assert by_name["blocks.0.mlp.fc1"].weights == 24 * 72
    assert by_name["blocks.0.mlp.fc1"].bytes == 24 * 72 + 72 * 7 + 256
    assert by_name[ROUGH].weight_bits == 2
    assert by_name[ROUGH].bytes == 24 * 72 // 4 + 72 * 7 + 256
    assert by_name["blocks.0.attn.s"].weights == 0
    assert by_name["blocks.0.attn.q"].weights == 24 * 24


def test_noise_and_range_of_a_layer_follow_from_its_tensors(case):
    _, _, mixed, images, found, _ = case
    exact, got = mixed.run(images), mixed.run(images, {op.name for op in mixed.ops})
    for name in ("blocks.0.attn.v", "blocks.1.mlp.fc1"):
        layer = next(layer for layer in found.layers if layer.name == name)
        heads = [part.name for part in units(mixed)[name]]
        values = np.stack([exact[head] for head in heads])
        assert layer.sqnr_db == pytest.approx(sqnr_db(values, np.stack([got[head] for head in heads])))
        assert (layer.low, layer.high) == (values.min(), values.max())
        assert sum(layer.counts) == values.size
        wrong = [
            np.abs(scale.real(scale.rounded(exact[part.name], part.dtype)) - exact[part.name])
            > scale.scale * 0.5 * (1 + 1e-9)
            for part in units(mixed)[name]
            for scale in [part.quantisation]
        ]
        assert layer.clipped == pytest.approx(np.mean(wrong))


def test_what_lies_on_the_edge_of_the_range_is_not_clipped(case):
    op = next(op for op in case[2].ops if op.name == ROUGH)
    low, high = _reach(op)
    for exact, clipped in ((low, 0), (high, 0), (low - 1e-6, len(low)), (high + 1e-6, len(high))):
        record = _Record()
        record.update(op, exact[None, None], exact[None, None])
        assert (record.clipped, record.count) == (clipped, op.n)


class Raised(MixedNetwork):
    """Tells scores with a constant on each row, another one for either network."""

    def step(self, op, tensors, integer):
        result = super().step(op, tensors, integer)
        rows = np.arange(result.shape[-2])[:, None] - (7.0 if integer else 2.0)
        return result + rows if op.stage(RowMax) else result


def test_what_a_row_of_scores_has_in_common_is_no_noise(case):
    state, network, _, images, found, _ = case
    raised = measure(Raised(network, state, CONFIG), images, 0)
    scores = [(a, b) for a, b in zip(found.layers, raised.layers, strict=True) if a.kind == "s"]
    assert len(scores) == CONFIG.depth
    for before, after in scores:
        assert after.low != before.low
        assert after.sqnr_db == pytest.approx(before.sqnr_db, abs=1e-6)


def test_the_rough_layer_is_the_most_sensitive_one(case):
    _, _, mixed, images, found, _ = case
    worst = min(found.layers, key=lambda layer: layer.sensitivity_db)
    assert worst.name == ROUGH
    assert worst.share > 0.4
    assert sum(layer.share for layer in found.layers) == pytest.approx(1)
    exact = mixed.run(images[:3])["head_dist"]
    expected = sqnr_db(exact, mixed.run(images[:3], {ROUGH})["head_dist"])
    assert worst.sensitivity_db == pytest.approx(expected, abs=1e-6)


def test_each_layer_is_run_alone_once(case):
    _, _, mixed, images, _, calls = case
    assert [name for name, *_ in alone(mixed, images[:1])] == list(units(mixed))
    passes = 3 + 2 * len(units(mixed))
    assert calls == [(index, passes) for index in range(1, passes + 1)]


def test_without_sensitivity_nothing_is_said_of_it(case):
    mixed, images = case[2:4]
    found = measure(mixed, images[:2], 0)
    assert {layer.sensitivity_db for layer in found.layers} == {None}
    json.dumps(found.to_dict())


def test_decibels_stay_finite():
    assert finite_decibels(1.0, 0.0) == QUIETEST
    assert finite_decibels(0.0, 1.0) == -QUIETEST
    assert finite_decibels(100.0, 1.0) == pytest.approx(20)
