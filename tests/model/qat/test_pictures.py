"""Training on images in files: worth it, and after an interruption the same as without."""

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

from pointwise.hw.contract.errors import Interrupted, PointwiseError
from pointwise.model import digits
from pointwise.model.checkpoints import MICRO_DIGITS, Checkpoint, load_checkpoint
from pointwise.model.frontends import DeiTNetwork
from pointwise.model.images.augment import Augmentation
from pointwise.model.images.find import find_images
from pointwise.model.images.preprocessing import plain
from pointwise.model.images.stream import Labelled
from pointwise.model.qat import QatRecipe, stream
from pointwise.model.qat.pictures import PictureResult, train_on_pictures
from pointwise.model.qat.stream import StreamRecipe
from tests.model.graph.equality import same

HOW = StreamRecipe(epochs=3, batch=32, learning_rate=2e-3, chance=Augmentation(0.8, mirror=False))
TERNARY = QatRecipe(weight_bits=2, training=HOW)


def written(folder: Path, images: digits.DigitImages, count: int) -> Labelled:
    """Digits as a folder of classes."""
    for index in range(count):
        path = folder / str(images.labels[index]) / f"{index}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray((images.pixels[index, 0] * (255 / 16)).round().astype(np.uint8)).save(path)
    found = find_images(folder)
    return Labelled(found, found.labels(10), plain(8, 1))


@pytest.fixture(scope="module")
def sets(tmp_path_factory: pytest.TempPathFactory) -> tuple[Labelled, Labelled]:
    data, folder = digits.load(), tmp_path_factory.mktemp("digits")
    train, held_out = written(folder / "train", data.train, 500), written(folder / "val", data.held_out, 200)
    (folder / "train" / "0" / "broken.png").write_text("no image")
    found = find_images(folder / "train")
    return Labelled(found, found.labels(10), train.preprocessing), held_out


@pytest.fixture(scope="module")
def checkpoint() -> Checkpoint:
    return load_checkpoint(MICRO_DIGITS)


def trained(
    checkpoint: Checkpoint, sets, path: Path, recipe: QatRecipe = TERNARY, **options
) -> PictureResult:
    return train_on_pictures(
        DeiTNetwork.of(checkpoint, "micro"), *sets, recipe, path, measured=200, **options
    )


@pytest.mark.slow
def test_it_wins_back_what_ternary_weights_lose_and_goes_on_where_it_was(
    checkpoint: Checkpoint, sets, tmp_path: Path
) -> None:
    path, epochs = tmp_path / "t.pt", []
    whole = trained(checkpoint, sets, path, epoch=lambda *told: epochs.append(told))
    assert [number for number, *_ in epochs] == [1, 2, 3]
    assert whole.after > whole.before + 5 and whole.float_right > 97
    assert whole.images == 200 and whole.unreadable == ("0/broken.png",)
    assert not path.exists()

    def stop(number: int, loss: float, accuracy: float) -> None:
        if number == 2:
            raise KeyboardInterrupt

    with pytest.raises(
        Interrupted, match=r"2 of 3 epochs are done and kept in .*t\.pt; the same command goes on"
    ):
        trained(checkpoint, sets, path, epoch=stop)
    late: list[int] = []
    # Read by other processes this time, which changes nothing.
    again = trained(checkpoint, sets, path, epoch=lambda *told: late.append(told[0]), workers=2)
    assert late == [3]
    assert all(same(a, b) for a, b in zip(again.network.ops, whole.network.ops, strict=True))


def test_the_best_epoch_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of three, the second; also if the third is done after an interruption."""
    seen: list[dict[str, torch.Tensor]] = []
    accuracies = iter([50.0, 80.0, 10.0])

    def measured(net: torch.nn.Module, averaged: dict[str, torch.Tensor], *_: object) -> float:
        seen.append({key: value.clone() for key, value in averaged.items()})
        return next(accuracies)

    def stop(number: int, loss: float, accuracy: float) -> None:
        if number == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(stream, "_accuracy", measured)
    net, path = torch.nn.Linear(4, 2), tmp_path / "t.pt"
    recipe = StreamRecipe(epochs=3, batch=8, learning_rate=0.1, average=0.5)
    with pytest.raises(Interrupted):
        stream.fit_stream(net, Random(), Random(), recipe, path, "digest", epoch=stop)
    assert stream.fit_stream(torch.nn.Linear(4, 2), Random(), Random(), recipe, path, "digest") == 80
    again = torch.nn.Linear(4, 2)
    stream.fit_stream(again, Random(), Random(), recipe, path, "digest")
    assert all(torch.equal(value, seen[1][key]) for key, value in again.state_dict().items())
    assert not torch.equal(seen[2]["weight"], seen[1]["weight"])


class Random:
    """Eight images of four pixels, in one batch."""

    data = SimpleNamespace(images=range(8))

    def __call__(self, *_: object) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        generator = torch.Generator().manual_seed(0)
        yield torch.randn(8, 4, generator=generator), torch.arange(8) % 2


@pytest.mark.parametrize("kept", ["another", "damaged"])
def test_a_file_of_another_training_is_told(checkpoint: Checkpoint, sets, tmp_path: Path, kept: str) -> None:
    path = tmp_path / "t.pt"
    path.write_bytes(b"damaged")
    if kept == "another":
        torch.save(
            {
                "digest": "x",
                "epoch": 1,
                "net": {},
                "averaged": {},
                "optimizer": {},
                "schedule": {},
                "best": {},
                "best_accuracy": 0.0,
            },
            path,
        )
    words = "is of a training with other weights" if kept == "another" else "does not hold a training"
    with pytest.raises(PointwiseError, match=words):
        trained(checkpoint, sets, path)
    assert path.exists()


def test_impossible_recipes_are_told() -> None:
    with pytest.raises(PointwiseError, match="0 epochs in batches of 3"):
        StreamRecipe(epochs=0, batch=3)
    with pytest.raises(PointwiseError, match="cuts are to have 0 of a picture"):
        Augmentation(0)
