"""What a simulation runs: integers made anew, or those of a file."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pointwise.hw.contract.errors import PointwiseError
from pointwise.model.images.prepare import prepare
from pointwise.model.images.preprocessing import plain
from pointwise.model.quantise import quantise, save_network
from pointwise.model.quantise.recipe import PLAIN, Recipe
from pointwise.sim.workload import (
    images_in_files,
    load_weights,
    preprocessing_of,
    usual_calibration,
    with_images,
)
from tests.model.graph.equality import same


def test_preprocessing_for_another_network_is_told():
    _, weights = load_weights(None, None)
    for wrong, words in (
        (plain(16, 1), "of 16 pixels, .* takes 8"),
        (plain(8, 3), "of 3 colours, .* takes 1"),
    ):
        with pytest.raises(PointwiseError, match=words):
            preprocessing_of(replace(weights, preprocessing=wrong), None)


def test_integers_of_a_file_are_taken_as_they_are(tmp_path: Path):
    name, weights = load_weights(None, None)
    calibration = usual_calibration(weights.config)
    made = quantise(weights.state, weights.config, calibration, name="plain", recipe=Recipe(PLAIN))
    save_network(tmp_path / "plain.safetensors", made)
    workload = with_images(name, weights, 3, quantised=tmp_path / "plain.safetensors")
    assert workload.network.name == "plain" and len(workload.images) == len(workload.labels) == 3
    assert all(same(a, b) for a, b in zip(workload.network.ops, made.ops, strict=True))
    others = replace(weights, config=replace(weights.config, depth=1))
    with pytest.raises(PointwiseError, match=r"plain\.safetensors are of a network of other dimensions"):
        with_images("big", others, 1, quantised=tmp_path / "plain.safetensors")


def test_images_in_files_are_prepared_as_the_checkpoint_wants_them(tmp_path: Path):
    name, weights = load_weights(None, None)
    for index in range(4):
        pixels = np.random.default_rng(index).integers(0, 256, (8, 8), np.uint8)
        Image.fromarray(pixels).save(tmp_path / f"{index}.png")
    (tmp_path / "list.txt").write_text("".join(f"{index}.png {9 - index}\n" for index in range(4)))
    images, labels, unreadable = images_in_files(tmp_path / "list.txt", weights, 2)
    assert labels.tolist() == [9, 7] and unreadable == ()
    assert np.array_equal(images[1], prepare(tmp_path / "2.png", weights.prepared))
    workload = with_images(name, weights, 1, given=(images, labels))
    assert workload.images is images and workload.labels is labels
    assert images_in_files(tmp_path, weights)[1] is None
    other, *_ = images_in_files(tmp_path, weights, preprocess="authors")
    assert other.shape == (4, 1, 8, 8) and not np.array_equal(other[0], images[0])
    (tmp_path / "0.png").write_text("no image")
    rest, labels, unreadable = images_in_files(tmp_path / "list.txt", weights, 2)
    assert np.array_equal(rest, images[1:]) and labels.tolist() == [7] and unreadable == ("0.png",)
    with pytest.raises(PointwiseError, match=r"The image .*0\.png cannot be read"):
        images_in_files(tmp_path / "list.txt", weights, 1)
