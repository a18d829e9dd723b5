"""The chain of methods: it begins with everything off, ends at the default, and goes on where it stopped."""

import json
from dataclasses import asdict

import numpy as np
import pytest
import torch

from pointwise.hw.contract.errors import PointwiseError
from pointwise.model.evaluate import evaluate
from pointwise.model.frontends import DeiTNetwork
from pointwise.model.measure.ablation import BESIDE, STEPS, ablation, recipes
from pointwise.model.networks import DeiTConfig
from pointwise.model.quantise import LayerConfig, Recipe
from pointwise.model.quantise.recipe import PLAIN
from pointwise.model.synthetic import synthetic_checkpoint, synthetic_images
from pointwise.sim.reporting.methods import Settings, digest_of, load, read, save

CONFIG = DeiTConfig(image_size=8, patch=4, in_channels=3, dim=24, depth=2, heads=2, mlp_ratio=3, classes=7)


@pytest.fixture(scope="module")
def attempts():
    state = synthetic_checkpoint(CONFIG, seed=1).state
    calibration, images = (synthetic_images(CONFIG, 8, seed).numpy() for seed in (2, 3))
    calls = []
    wanted = [recipes()[0], recipes()[5], recipes()[-1]]
    source = DeiTNetwork(CONFIG, state)
    made = list(ablation(source, calibration, images, wanted, lambda *call: calls.append(call)))
    assert calls == [(index, 24) for index in range(1, 25)]
    expected = DeiTNetwork(CONFIG, state).quantise(calibration, recipe=Recipe())
    result = evaluate(expected, DeiTNetwork(CONFIG, state), images)
    assert made[-1].sqnr_db == pytest.approx(result.sqnr_db, abs=1e-2)
    return made


def test_the_chain_goes_from_nothing_to_the_default():
    chain = recipes()
    assert chain[0][1] == PLAIN and chain[-1][1] == LayerConfig()
    assert len(chain) == len(STEPS)
    assert len({repr(recipe) for _, recipe in chain}) == len(chain)
    assert len(recipes(beside=True)) == len(STEPS) + len(BESIDE)


def test_the_default_is_clearly_better_than_nothing(attempts):
    assert attempts[-1].sqnr_db > attempts[0].sqnr_db + 3
    assert attempts[-1].image_sqnr_db > attempts[0].image_sqnr_db + 3


def test_a_file_gives_back_what_was_saved_and_no_other_run(attempts, tmp_path):
    path, settings = tmp_path / "m.json", Settings("x", 8, 8, "pointwise ablation")
    wanted = [(attempt.method, LayerConfig(**attempt.recipe)) for attempt in attempts]
    assert load(path, settings, wanted) == []
    save(path, settings, attempts[:2])
    assert load(path, settings, wanted) == attempts[:2]
    with pytest.raises(PointwiseError, match="has images 8, but 9 is asked for"):
        load(path, Settings("x", 8, 9, ""), wanted)
    with pytest.raises(PointwiseError, match="by another recipe than today's"):
        load(path, settings, [(wanted[0][0], LayerConfig())])
    with pytest.raises(PointwiseError, match="has calibration_images 8, but 9 is asked for"):
        load(path, Settings("x", 9, 8, ""), wanted)
    path.write_text(json.dumps({"kind": "other"}))
    with pytest.raises(PointwiseError, match="is no result of pointwise ablation"):
        load(path, settings, wanted)


def test_a_file_of_other_weights_or_images_is_not_gone_on_with(attempts, tmp_path):
    checkpoint, images = synthetic_checkpoint(CONFIG, seed=1), synthetic_images(CONFIG, 3).numpy()
    digests = [
        digest_of(checkpoint, images[:1], images[1:]),
        digest_of(synthetic_checkpoint(CONFIG, seed=2), images[:1], images[1:]),
        digest_of(checkpoint, images[:2], images[2:]),
        digest_of(checkpoint, images[:1], images[1:] + np.float32(1e-3)),
    ]
    assert len(set(digests)) == 4
    assert digest_of(synthetic_checkpoint(CONFIG, seed=1), images[:1], images[1:]) == digests[0]
    path, wanted = tmp_path / "m.json", [(attempts[0].method, LayerConfig(**attempts[0].recipe))]
    save(path, Settings("x", 1, 2, "", digests[0]), attempts[:1])
    assert load(path, Settings("x", 1, 2, "another command", digests[0]), wanted) == attempts[:1]
    save(tmp_path / "older.json", Settings("x", 1, 2, ""), attempts[:1])
    for file, digest in ((path, digests[1]), (tmp_path / "older.json", digests[0])):
        with pytest.raises(PointwiseError, match="does not say that it is of these weights and images"):
            load(file, Settings("x", 1, 2, "", digest), wanted)


def test_an_older_file_can_be_read_and_a_damaged_one_is_told(attempts, tmp_path):
    path, settings = tmp_path / "m.json", Settings("x", 8, 8, "pointwise ablation")
    save(path, settings, attempts[:1])
    contents = json.loads(path.read_text())
    del contents["digest"]
    path.write_text(json.dumps(contents))
    assert read(path)["attempts"] == [asdict(attempts[0])]
    for damage, words in (
        ({"network": None}, "says network null, but a text was expected"),
        ({"attempts": [{}]}, r"lacks attempts\[0\]\.method"),
        ({"attempts": None}, "says attempts null, but a list was expected"),
    ):
        path.write_text(json.dumps(contents | damage))
        with pytest.raises(PointwiseError, match=rf"m\.json is damaged \(it {words}\); remove it"):
            load(path, settings, [])
    path.write_text(json.dumps({"kind": "methods"}))
    with pytest.raises(PointwiseError, match=r"m\.json is damaged \(it lacks network\); remove it"):
        load(path, settings, [])


def test_the_mean_of_each_images_decibels_by_hand(monkeypatch):
    """Two images whose integer logits err by a tenth and by a hundredth: 20 dB, 40 dB, 30 dB in the mean."""
    state = synthetic_checkpoint(CONFIG, seed=1).state
    calibration, images = (synthetic_images(CONFIG, count, 2).numpy() for count in (4, 2))
    source = DeiTNetwork(CONFIG, state)
    errors = iter((0.1, 0.01))

    def rounded(network, image):
        return source.results(torch.from_numpy(image)) * (1 + next(errors))

    monkeypatch.setattr("pointwise.model.measure.ablation.integer_logits", rounded)
    (made,) = ablation(source, calibration, images, recipes()[:1])
    assert made.image_sqnr_db == pytest.approx(30)
