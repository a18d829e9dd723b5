"""Training repeats bit for bit, and the checkpoint that ships is as good as it says."""

from dataclasses import asdict, replace
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
import torch
from rich.console import Console

from pointwise.hw.contract.errors import PointwiseError
from pointwise.model import digits
from pointwise.model.checkpoints import MICRO_DIGITS, load_checkpoint
from pointwise.model.convolutional_deit import ConvolutionalDeiT
from pointwise.model.deit import DeiT
from pointwise.model.fitting import TrainingRecipe, accuracy, augment
from pointwise.model.networks import NETWORKS
from pointwise.model.train import train_digits

SHORT = TrainingRecipe(epochs=2, batch=256)
SMALL = replace(NETWORKS["micro"], depth=1)


def test_same_seed_gives_the_same_file_and_another_seed_does_not(tmp_path: Path) -> None:
    for name, recipe in (("a", SHORT), ("b", SHORT), ("c", replace(SHORT, seed=1))):
        torch.rand(7)  # what the caller did with the generator before does not matter
        train_digits(tmp_path / f"{name}.safetensors", recipe=recipe, config=SMALL)
    first, again, other = ((tmp_path / f"{name}.safetensors").read_bytes() for name in "abc")
    assert first == again
    assert first != other


def test_random_state_and_threads_of_the_caller_stay() -> None:
    state, threads = torch.random.get_rng_state(), torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        train_digits(recipe=replace(SHORT, epochs=1), config=SMALL, threads=1)
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(threads)
    assert torch.equal(torch.random.get_rng_state(), state)


def test_held_out_images_have_no_influence(monkeypatch: pytest.MonkeyPatch) -> None:
    data = digits.load()
    spoilt = replace(data.held_out, pixels=16 - data.held_out.pixels, labels=9 - data.held_out.labels)
    before = train_digits(recipe=SHORT, config=SMALL)
    monkeypatch.setattr(digits, "load", lambda: replace(data, held_out=spoilt))
    after = train_digits(recipe=SHORT, config=SMALL)
    assert all(torch.equal(before.state[key], after.state[key]) for key in before.state)
    assert before.notes["held_out_accuracy"] != after.notes["held_out_accuracy"]


def test_training_learns_and_shows_its_progress() -> None:
    output = StringIO()
    console = Console(file=output, force_terminal=True, color_system=None, width=100)
    checkpoint = train_digits(recipe=TrainingRecipe(epochs=6), config=SMALL, console=console)
    assert checkpoint.notes["train_accuracy"] > 50
    assert "6/6 epochs, loss" in output.getvalue()


def test_shipped_checkpoint_is_as_good_as_it_says() -> None:
    checkpoint = load_checkpoint(MICRO_DIGITS)
    held_out = digits.load().held_out
    for net in (DeiT, ConvolutionalDeiT):
        measured = accuracy(net.from_state(checkpoint.config, checkpoint.state), held_out)
        assert measured == checkpoint.notes["held_out_accuracy"]
        assert measured >= 98.5
    assert checkpoint.notes["recipe"] == asdict(TrainingRecipe()), (
        "the default recipe is the one that grew it"
    )


def test_augmentation_of_nothing_changes_nothing() -> None:
    images = torch.from_numpy(digits.load().train.normalised()[:5])
    still = TrainingRecipe(degrees=0, scale=0, shift=0, shear=0, noise=0)
    assert torch.allclose(augment(images, still), images, rtol=0, atol=1e-6)


def test_augmentation_moves_each_image_in_its_own_way() -> None:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        images = torch.from_numpy(np.repeat(digits.load().train.normalised()[:1], 8, axis=0))
        moved = augment(images, TrainingRecipe(noise=0))
    assert moved.shape == images.shape
    assert len({tuple(image.flatten().tolist()) for image in moved}) == 8
    assert (moved - images).abs().mean() < 0.5
    assert moved.min() >= -1 - 1e-6


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"config": NETWORKS["deit_tiny"]}, "3 of 224x224 and gives 1000; choose a network for the digits"),
        ({"recipe": TrainingRecipe(batch=2000)}, "batch of 2000 is more than the 1437 training images"),
    ],
)
def test_training_that_cannot_be_is_told(tmp_path: Path, arguments: dict, words: str) -> None:
    with pytest.raises(PointwiseError, match=words):
        train_digits(tmp_path / "net.safetensors", **arguments)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("change", [{"epochs": 0}, {"batch": 0}])
def test_recipe_without_steps_is_told(change: dict[str, int]) -> None:
    with pytest.raises(PointwiseError, match="at least one of each is needed"):
        TrainingRecipe(**change)


def test_destination_is_checked_before_training(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pointwise.model.train.fit", lambda *_: pytest.fail("it trained first"))
    with pytest.raises(PointwiseError, match="there is no folder"):
        train_digits(tmp_path / "no" / "net.safetensors")
    with pytest.raises(PointwiseError, match=r"ends in \.npz"):
        train_digits(tmp_path / "net.npz")
