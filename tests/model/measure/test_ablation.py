"""The chain of methods: it begins with everything off, ends at the default, and goes on where it stopped."""

import json

import pytest

from hw.contract.errors import PointwiseError
from model.evaluate import evaluate
from model.measure.ablation import BESIDE, STEPS, ablation, recipes
from model.networks import DeiTConfig
from model.quantise import LayerRecipe, Recipe, quantise
from model.quantise.recipe import PLAIN
from model.synthetic import synthetic_checkpoint, synthetic_images
from sim.reporting.methods import Settings, load, save

CONFIG = DeiTConfig(image_size=8, patch=4, in_channels=3, dim=24, depth=2, heads=2, mlp_ratio=3, classes=7)


@pytest.fixture(scope="module")
def attempts():
    state = synthetic_checkpoint(CONFIG, seed=1).state
    calibration, images = (synthetic_images(CONFIG, 8, seed).numpy() for seed in (2, 3))
    calls = []
    wanted = [recipes()[0], recipes()[5], recipes()[-1]]
    made = list(ablation(state, CONFIG, calibration, images, wanted, lambda *call: calls.append(call)))
    assert calls == [(index, 24) for index in range(1, 25)]
    expected = quantise(state, CONFIG, calibration, recipe=Recipe())
    assert made[-1].sqnr_db == pytest.approx(evaluate(expected, state, CONFIG, images).sqnr_db, abs=1e-2)
    return made


def test_the_chain_goes_from_nothing_to_the_default():
    chain = recipes()
    assert chain[0][1] == PLAIN and chain[-1][1] == LayerRecipe()
    assert len(chain) == len(STEPS)
    assert len({repr(recipe) for _, recipe in chain}) == len(chain)
    assert len(recipes(beside=True)) == len(STEPS) + len(BESIDE)


def test_the_default_is_clearly_better_than_nothing(attempts):
    assert attempts[-1].sqnr_db > attempts[0].sqnr_db + 3
    assert attempts[-1].image_sqnr_db > attempts[0].image_sqnr_db + 3


def test_a_file_gives_back_what_was_saved_and_no_other_run(attempts, tmp_path):
    path, settings = tmp_path / "m.json", Settings("x", 8, 8, "pointwise ablation")
    wanted = [(attempt.method, LayerRecipe(**attempt.recipe)) for attempt in attempts]
    assert load(path, settings, wanted) == []
    save(path, settings, attempts[:2])
    assert load(path, settings, wanted) == attempts[:2]
    with pytest.raises(PointwiseError, match="has images 8, but 9 is asked for"):
        load(path, Settings("x", 8, 9, ""), wanted)
    with pytest.raises(PointwiseError, match="by another recipe than today's"):
        load(path, settings, [(wanted[0][0], LayerRecipe())])
    path.write_text(json.dumps({"kind": "other"}))
    with pytest.raises(PointwiseError, match="is no result of pointwise ablation"):
        load(path, settings, wanted)
