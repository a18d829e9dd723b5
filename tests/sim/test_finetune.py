"""From a pre-trained network and a folder of images to integers for new classes: three commands."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pointwise.model import digits
from pointwise.model.checkpoints import MICRO_DIGITS, load_checkpoint
from pointwise.sim.cli import main

NAMES = ("odd", "even")
"""Classes that the network was not trained for."""


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root, data = tmp_path_factory.mktemp("numbers"), digits.load()
    for part, images, count in (("train", data.train, 240), ("validation", data.held_out, 80)):
        for index in range(count):
            path = root / part / NAMES[int(images.labels[index] % 2 == 0)] / f"{index}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray((images.pixels[index, 0] * 15).astype(np.uint8)).save(path)
    return {part: root / part for part in ("train", "validation")}


def test_new_classes_reach_the_integers(
    folders: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tuned, integers, figures = (tmp_path / name for name in ("t.safetensors", "i.safetensors", "f.json"))
    train, validation = (["--images", str(folders[part])] for part in ("train", "validation"))
    rates = ["--epochs", "40", "--learning-rate", "0.01", "--workers", "1"]
    call = ["finetune", "--checkpoint", str(MICRO_DIGITS), *train, "--validation", validation[1], *rates]
    assert main([*call, "--out", str(tuned)]) == 0
    checkpoint = load_checkpoint(tuned)
    assert checkpoint.class_names == ("even", "odd")
    accuracy = checkpoint.notes["validation_accuracy"]
    assert accuracy >= 90
    assert f"2 classes, train {checkpoint.notes['train_accuracy']:.2f} %, validation {accuracy:.2f} %" in (
        capsys.readouterr().out
    )
    assert main(["quantise", "--checkpoint", str(tuned), *train, "--out", str(integers)]) == 0
    call = ["evaluate", "--checkpoint", str(tuned), "--network", str(integers), *validation, "--workers", "1"]
    assert main([*call, "--results", str(tmp_path / "r.jsonl"), "--out", str(figures)]) == 0
    measured = json.loads(figures.read_text())
    assert measured["top1_float"] == pytest.approx(accuracy)
    assert abs(measured["top1_integer"] - accuracy) <= 2.5
    assert measured["top5_float"] is None, "of so few classes all are the first five"


def test_wrong_ending_is_told_before_the_work(
    folders: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    call = ["finetune", "--checkpoint", str(MICRO_DIGITS), "--images", str(folders["train"])]
    assert main([*call, "--out", str(tmp_path / "net.onnx")]) == 1
    assert "ends in .onnx" in capsys.readouterr().err
