"""Checkpoints of convolutional networks in the commands: quantised, evaluated, made ready to run."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from pointwise.hw.contract.errors import PointwiseError
from pointwise.model.quantise import load_network
from pointwise.sim.cli import main
from pointwise.sim.convolutional import convolutional_checkpoint, picture_run, preparation_of
from pointwise.sim.subjects import of_checkpoint
from tests.model.models.norms import lively
from tests.model.models.test_resnet import ResNet


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    torch.manual_seed(2)
    path = tmp_path / "small.pth"
    torch.save(lively(ResNet((4, 8), 3, False)).eval().state_dict(), path)
    return path


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """Twelve pictures in five folders, as many as the network has classes."""
    rng = np.random.default_rng(5)
    for index in range(12):
        folder = tmp_path / "images" / f"class{index % 5}"
        folder.mkdir(parents=True, exist_ok=True)
        pixels = rng.integers(0, 256, (8, 8, 3)).astype(np.uint8)
        Image.fromarray(pixels).resize((40, 40)).save(folder / f"{index}.png")
    return tmp_path / "images"


def test_from_a_checkpoint_and_images_to_figures(
    checkpoint: Path, images: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    integers, out = tmp_path / "small_int8.safetensors", tmp_path / "figures.json"
    given = ["--checkpoint", str(checkpoint), "--images", str(images)]
    assert main(["quantise", *given, "--calibration", "8", "--out", str(integers)]) == 0
    told = capsys.readouterr().out
    assert "a guess: the usual one of torchvision's or timm's ResNet" in " ".join(told.split())
    assert main(["evaluate", *given, "--network", str(integers), "--out", str(out)]) == 0
    figures = json.loads(out.read_text())
    assert figures["images"] == 12 and figures["sqnr_db"] > 20 and figures["top1_float"] is not None
    assert main(["evaluate", *given]) == 1
    assert "images in files need --network too" in capsys.readouterr().err


def test_what_is_run_is_what_was_asked_for(checkpoint: Path, images: Path, tmp_path: Path) -> None:
    found = convolutional_checkpoint(None, checkpoint, None)
    assert found is not None
    made = picture_run(found, None, None, None, None)
    assert made.workload.images.shape == (4, 3, 32, 32) and made.prepared is None
    with pytest.raises(PointwiseError, match="0 images were asked for"):
        picture_run(found, None, None, 0, None)
    path = tmp_path / "small_int8.safetensors"
    assert main(["quantise", "--checkpoint", str(checkpoint), "--out", str(path)]) == 0
    run = picture_run(found, path, images, 5, "timm")
    assert run.prepared is not None and run.prepared.origin == "as --preprocess says"
    assert run.workload.labels is not None and len(run.workload.images) == 5
    assert [op.name for op in run.workload.network.ops] == [op.name for op in load_network(path).ops]


def test_integers_of_other_images_are_refused(checkpoint: Path, tmp_path: Path) -> None:
    found = convolutional_checkpoint(None, checkpoint, None)
    assert found is not None
    other = tmp_path / "other.pth"
    torch.save(ResNet((4, 8), 7, False).state_dict(), other)
    path = tmp_path / "other_int8.safetensors"
    assert main(["quantise", "--checkpoint", str(other), "--out", str(path)]) == 0
    with pytest.raises(PointwiseError, match="are of a network of other images than small"):
        picture_run(found, path, None, None, None)


def test_dimensions_are_the_tensors_own(checkpoint: Path) -> None:
    with pytest.raises(
        PointwiseError, match="whose dimensions its tensors tell; leave out --model and --heads"
    ):
        convolutional_checkpoint("resnet18", checkpoint, None)
    assert convolutional_checkpoint("micro", None, None) is None


def test_a_preprocessing_of_another_size_is_refused(checkpoint: Path, tmp_path: Path) -> None:
    found = convolutional_checkpoint(None, checkpoint, None)
    assert found is not None
    described = tmp_path / "preprocessor_config.json"
    described.write_text(json.dumps({"size": {"height": 24, "width": 24}}))
    with pytest.raises(PointwiseError, match="24"):
        preparation_of(found, str(described))


def test_without_images_they_are_made_up(checkpoint: Path) -> None:
    subject = of_checkpoint(None, checkpoint, None, False, None, 8, None, lambda done, total: None)
    assert subject.inputs.shape[1:] == (3, 32, 32) and "made-up images" in subject.origin


@pytest.mark.parametrize("given", [True, False], ids=["images in files", "made-up images"])
def test_compiled_and_exported_as_they_are(
    checkpoint: Path, images: Path, tmp_path: Path, given: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    """In the memory image and in the files of other tools, with the first image."""
    asked = ["--checkpoint", str(checkpoint), *(["--images", str(images)] if given else [])]
    core = ["--max-tokens", "64", "--act-kib", "64", "--res-kib", "16"]
    assert main(["compile", *asked, *core, "--out", str(tmp_path / "image")]) == 0
    told = " ".join(capsys.readouterr().out.split())
    assert "made-up images" in told and ("a guess: the usual one" in told) == given
    block = (tmp_path / "image" / "input.bin").read_bytes()
    assert main(["export", *asked, *core, "--format", "raw,numpy", "--out", str(tmp_path / "export")]) == 0
    written = {path.name: path.read_bytes() for path in (tmp_path / "export").iterdir()}
    assert any(name.endswith(".npz") for name in written)
    assert any(data.startswith(block) for data in written.values())


def test_trained_on_with_images_of_ones_own(
    checkpoint: Path, images: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Four bits, an epoch; the integers are of the checkpoint's network, and can be compiled."""
    out = tmp_path / "mine.safetensors"
    call = ["qat", "--checkpoint", str(checkpoint), "--epochs", "1", "--batch", "4", "--workers", "1"]
    assert main(call) == 1
    assert "is trained on images in files; give some with --images" in capsys.readouterr().err
    given = ["--images", str(images), "--validation", str(images), "--calibration", "4", "--count", "4"]
    assert main([*call, *given, "--out", str(out)]) == 0
    assert "epoch 1: loss" in capsys.readouterr().out
    network = load_network(out)
    assert network.name == "mine" and network.info["training"]["weight_bits"] == 4
    found = convolutional_checkpoint(None, checkpoint, None)
    assert found is not None and network.info["arrangement"] == found.source.arrangement.to_dict()
    image = tmp_path / "image"
    assert main(["compile", "--network", str(out), "--max-tokens", "64", "--out", str(image)]) == 0
