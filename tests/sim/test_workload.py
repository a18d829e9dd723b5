"""What a simulation runs: integers made anew, or those of a file."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pointwise.hw.contract.errors import PointwiseError
from pointwise.model.checkpoints import save_checkpoint
from pointwise.model.frontends import DeiTNetwork
from pointwise.model.images.preprocessing import plain
from pointwise.model.networks import DeiTConfig
from pointwise.model.quantise import save_network
from pointwise.model.quantise.recipe import PLAIN, Recipe
from pointwise.model.synthetic import synthetic_checkpoint
from pointwise.sim.integers import integers_of, quantised_of
from pointwise.sim.workload import calibration_and_images, load_weights, usual_calibration, with_images
from tests.model.graph.equality import same


def test_integers_of_a_file_are_taken_as_they_are(tmp_path: Path):
    name, weights = load_weights(None, None)
    calibration = usual_calibration(weights.config)
    made = DeiTNetwork(weights.config, weights.state, "plain").quantise(calibration, recipe=Recipe(PLAIN))
    save_network(tmp_path / "plain.safetensors", made)
    workload = with_images(
        name, weights, 3, quantised=quantised_of(tmp_path / "plain.safetensors", name, weights)
    )
    assert workload.network.name == "plain" and len(workload.images) == len(workload.labels) == 3
    assert all(same(a, b) for a, b in zip(workload.network.ops, made.ops, strict=True))
    others = replace(weights, config=replace(weights.config, depth=1))
    with pytest.raises(PointwiseError, match=r"plain\.safetensors are of a network of other dimensions"):
        quantised_of(tmp_path / "plain.safetensors", "big", others)
    assert quantised_of(None, name, weights) is None


def pictures(folder: Path, count: int) -> Path:
    for index in range(count):
        pixels = np.random.default_rng(index).integers(0, 256, (8, 8), np.uint8)
        Image.fromarray(pixels).save(folder / f"{index}.png")
    return folder


def test_images_of_a_folder_are_those_that_run(tmp_path: Path):
    made = integers_of(None, None, None, images=pictures(tmp_path, 2), preprocess="plain")
    assert made.inputs.shape == (1, 1, 8, 8)
    assert made.prepared.preprocessing == plain(8, 1) and not made.prepared.guess
    others = integers_of(None, None, None)
    assert others.prepared is None and not np.array_equal(others.inputs, made.inputs)
    assert all(same(a, b) for a, b in zip(made.network.ops, others.network.ops, strict=True))
    assert not made.made_up and not others.made_up
    with pytest.raises(PointwiseError, match="--preprocess is for images in files"):
        integers_of(None, None, None, preprocess="plain")


def test_integers_that_were_calibrated_on_nothing_real_are_told(tmp_path: Path):
    weights = synthetic_checkpoint(DeiTConfig(4, 2, 1, 64, 1, 1, 2, 5))
    save_checkpoint(tmp_path / "mine.safetensors", weights)
    made = integers_of(None, None, tmp_path / "mine.safetensors")
    assert made.made_up
    save_network(tmp_path / "integers.safetensors", made.network)
    assert not integers_of(tmp_path / "integers.safetensors", None, None).made_up


def test_images_to_calibrate_on_are_others_than_those_to_compare_on(tmp_path: Path):
    _, weights = load_weights(None, None)
    files = pictures(tmp_path, 6), plain(8, 1)
    (tmp_path / "none.png").write_text("no image")
    seen, compared, unreadable = calibration_and_images(weights.config, 4, 9, files)
    assert (len(seen), len(compared), unreadable) == (4, 2, ("none.png",))
    assert len({picture.tobytes() for picture in (*seen, *compared)}) == 6
    assert np.array_equal(seen, calibration_and_images(weights.config, 4, 9, files)[0])
    with pytest.raises(PointwiseError, match=r"6 can be read, and 6 are to calibrate on"):
        calibration_and_images(weights.config, 6, 1, files)
