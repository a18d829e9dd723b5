"""``pointwise qat``: four-bit weights on the shipped network, judged by their integers."""

import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pointwise.hw.contract.errors import PointwiseError
from pointwise.model import digits, handwriting
from pointwise.model.graph.ops import Activation, Conv2d, Linear
from pointwise.model.images.preprocessing import plain
from pointwise.model.quantise import load_network
from pointwise.sim.cli import main, qat
from pointwise.sim.pictures import preparation


def test_w4a8_loses_at_most_a_point(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    path = tmp_path / "new" / "w4.safetensors"
    qat.command(weights="lsq", activations="lsq", weight_bits=4, epochs=1, seed=0, threads=1, out=path)
    shown = capsys.readouterr().out
    rows = dict(re.findall(r"│ ([^│]+?) +│ +([\d.]+)", shown))
    assert rows["held-out images"] == "360"
    assert float(rows["top-1, integers after training"]) >= float(rows["top-1, float32 before"]) - 1
    network = load_network(path)
    layers = [op for op in network.ops if isinstance(op, Linear)]
    assert {layer.weight_bits for layer in layers} == {4}
    assert max(abs(int(layer.weight.min())) for layer in layers) == 7
    zeros = sum((layer.weight == 0).sum() for layer in layers) / sum(layer.weight.size for layer in layers)
    assert float(rows["weights that are 0"]) == pytest.approx(100 * zeros, abs=0.05)
    assert network.name == "w4" and network.info["training"]["training"]["epochs"] == 1


def test_a_file_that_cannot_be_written_is_told_before_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    first = "it trained first"
    monkeypatch.setattr("pointwise.model.qat.seeds.train_aware", lambda *_, **__: pytest.fail(first))
    with pytest.raises(PointwiseError, match=r"ends in \.pth"):
        qat.command(out=tmp_path / "net.pth")


def test_images_of_ones_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """Two epochs of four bits, a tenth held out; the integers keep how their images are prepared."""
    data = digits.load().train
    for index in range(200):
        path = tmp_path / "train" / str(data.labels[index]) / f"{index}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray((data.pixels[index, 0] * (255 / 16)).round().astype(np.uint8)).save(path)
    out = tmp_path / "mine.safetensors"
    call = ["qat", "--images", str(tmp_path / "train"), "--no-mirror", "--epochs", "2", "--out", str(out)]
    assert main([*call, "--workers", "1"]) == 0
    shown = capsys.readouterr().out
    rows = dict(re.findall(r"│ ([^│]+?) +│ +([\d.]+)", shown))
    assert rows["held-out images"] == "20" and float(rows["top-1, integers after training"]) >= 80
    assert "epoch 2: loss" in shown and "20 images are few" in shown
    network = load_network(out)
    assert network.info["training"]["training"]["epochs"] == 2
    assert preparation(None, info=network.info).preprocessing == plain(8, 1)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--validation", "x"], "--preprocess and --validation go with images in files"),
        (["--images", "x", "--seeds", "2"], "leave out --seeds and --scheduler"),
        (["--images", "flat"], "nobody says what the images of flat show"),
    ],
)
def test_what_does_not_go_together_is_told(
    words: list[str],
    told: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "flat").mkdir()
    for index in range(12):
        Image.new("L", (8, 8), index).save(tmp_path / "flat" / f"{index}.png")
    assert main(["qat", *words, "--out", "n.safetensors"]) == 1
    assert told in capsys.readouterr().err


def test_a_convolutional_network_that_ships(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    """Four bits of weights and activations, on images that are no digits, in place of the installed ones."""
    rng = np.random.default_rng(1)

    def images(count: int) -> handwriting.HandwritingImages:
        pixels = rng.integers(0, 256, (count, 1, handwriting.SIDE, handwriting.SIDE)).astype(np.uint8)
        return handwriting.HandwritingImages(pixels, np.arange(count) % 10)

    data = handwriting.Handwriting(images(64), images(10), images(20))
    monkeypatch.setattr(handwriting, "load", lambda: data)
    out = tmp_path / "r.safetensors"
    call = ["qat", "--model", "resnet20", "--activation-bits", "4", "--epochs", "1", "--out", str(out)]
    assert main(call) == 0
    rows = dict(re.findall(r"│ ([^│]+?) +│ +([\d.]+)", capsys.readouterr().out))
    assert rows["held-out images"] == "10"
    network = load_network(out)
    assert network.name == "r" and network.info["training"]["activation_bits"] == 4
    assert {op.bits for op in network.ops if isinstance(op, Activation)} == {4}
    assert {op.weight_bits for op in network.ops if isinstance(op, Conv2d)} == {4}


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--model", "resnet18"], "no trained network resnet18 to go on from; choose micro, resnet20"),
        (["--model", "resnet20", "--images", "x"], "leave out --images and --checkpoint"),
    ],
)
def test_networks_that_do_not_ship_are_told(words: list[str], told: str, capsys: pytest.CaptureFixture[str]):
    assert main(["qat", *words]) == 1
    assert told in capsys.readouterr().err
