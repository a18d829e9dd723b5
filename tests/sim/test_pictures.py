"""Who says how pictures are prepared, and what is a guess."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from pointwise.hw.contract.errors import PointwiseError
from pointwise.model.checkpoints import load_checkpoint, save_checkpoint
from pointwise.model.frontends import DeiTNetwork
from pointwise.model.graph import Graph
from pointwise.model.images.prepare import prepare
from pointwise.model.images.preprocessing import authors, plain, timm
from pointwise.model.networks import DeiTConfig
from pointwise.model.quantise import load_network, save_network
from pointwise.model.synthetic import synthetic_checkpoint, synthetic_images
from pointwise.sim.pictures import NOTE, Preparation, class_names, noted, preparation, read_pictures
from pointwise.sim.workload import load_weights

CONFIG = DeiTConfig(image_size=8, patch=4, in_channels=3, dim=64, depth=1, heads=1, mlp_ratio=2, classes=3)


@pytest.fixture(scope="module")
def integers() -> Graph:
    images = synthetic_images(CONFIG, 4).numpy()
    return DeiTNetwork(CONFIG, synthetic_checkpoint(CONFIG).state, "small").quantise(images)


def test_a_guess_is_called_one(tmp_path: Path) -> None:
    weights = synthetic_checkpoint(CONFIG)
    torch.save({"model": weights.state}, tmp_path / "authors.pth")
    guessed = preparation(None, load_checkpoint(tmp_path / "authors.pth", heads=1))
    assert (guessed.preprocessing, guessed.guess) == (authors(8), True)
    assert "a guess: the DeiT authors' usual one, as such files do not say; give --preprocess" in str(guessed)
    assert "mean 0.485 0.456 0.406, deviation 0.229 0.224 0.225" in str(guessed)

    save_checkpoint(tmp_path / "ours.safetensors", replace(weights, preprocessing=timm(8)))
    known = preparation(None, load_checkpoint(tmp_path / "ours.safetensors"))
    assert (known.preprocessing, known.guess, known.origin) == (timm(8), False, "as the checkpoint says")
    save_checkpoint(tmp_path / "silent.safetensors", weights)
    silent = preparation(None, load_checkpoint(tmp_path / "silent.safetensors"))
    assert (silent.preprocessing, silent.guess) == (plain(8), True)
    asked = preparation("timm_vit", load_checkpoint(tmp_path / "authors.pth", heads=1))
    assert not asked.guess and asked.preprocessing.mean == (0.5,) * 3


def test_integers_keep_how_their_images_were_prepared(integers: Graph, tmp_path: Path) -> None:
    with pytest.raises(PointwiseError, match="nobody says how images of 8×8 pixels and 3 colours"):
        preparation(None, info=integers.info)
    weights = synthetic_checkpoint(CONFIG)
    for first in (
        Preparation(timm(8), "as --preprocess says"),
        Preparation(plain(8), "for want of more", True),
    ):
        path = tmp_path / "n.safetensors"
        save_network(path, noted(integers, first, ("cat", "dog", "fox")))
        info = load_network(path).info
        assert class_names(info) == ("cat", "dog", "fox")
        # Also before what a checkpoint says.
        for then in (preparation(None, info=info), preparation(None, weights, info)):
            assert (then.preprocessing, then.guess) == (first.preprocessing, first.guess)
        assert preparation("authors", weights, info).preprocessing == authors(8)
    assert class_names(noted(integers, first, None).info) is class_names(integers.info) is None


@pytest.mark.parametrize(
    ("info", "words"),
    [
        ({NOTE: 7}, r"what the integers say of their images is damaged \(it "),
        ({NOTE: {"preprocessing": {}, "guess": None}}, "preprocessing lacks"),
        ({NOTE: {"preprocessing": plain(9).to_dict(), "guess": None}}, "images of 9 pixels, .* takes 8"),
        ({"input": {"patch": 2}}, "what the network says of its input is damaged"),
        ({}, "takes no images"),
    ],
)
def test_what_is_damaged_is_told(integers: Graph, info: dict, words: str) -> None:
    if NOTE in info:
        info = {**integers.info, **info}
    with pytest.raises(PointwiseError, match=words):
        preparation(None, info=info)


def test_preparation_for_another_network_is_told() -> None:
    _, weights = load_weights(None, None)
    for wrong, words in (
        (plain(16, 1), "of 16 pixels, .* takes 8"),
        (plain(8, 3), "of 3 colours, .* takes 1"),
    ):
        with pytest.raises(PointwiseError, match=words):
            preparation(None, replace(weights, preprocessing=wrong))


def test_pictures_are_read_and_those_that_cannot_be_are_named(tmp_path: Path) -> None:
    for index in range(4):
        pixels = np.random.default_rng(index).integers(0, 256, (8, 8), np.uint8)
        Image.fromarray(pixels).save(tmp_path / f"{index}.png")
    listing = tmp_path / "list.txt"
    listing.write_text("".join(f"{index}.png {9 - index}\n" for index in range(4)))
    how = plain(8, 1)
    found = read_pictures(listing, how, 2, labels=lambda images: images.labels(10))
    assert (found.labels.tolist(), found.names, found.unreadable) == ([9, 7], ("0.png", "2.png"), ())
    assert np.array_equal(found.pixels[1], prepare(tmp_path / "2.png", how))
    assert read_pictures(tmp_path, how).labels is None
    (tmp_path / "0.png").write_text("no image")
    rest = read_pictures(listing, how, 2, labels=lambda images: images.labels(10))
    assert np.array_equal(rest.pixels, found.pixels[1:])
    assert (rest.labels.tolist(), rest.names, rest.unreadable) == ([7], ("2.png",), ("0.png",))
    with pytest.raises(PointwiseError, match=r"The image .*0\.png cannot be read"):
        read_pictures(listing, how, 1)
