"""``pointwise ablation``: a file is gone on with only where it is of the same weights."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pointwise.model.checkpoints import save_checkpoint
from pointwise.model.models import made_up as made_up_module
from pointwise.model.models.made_up import made_up
from pointwise.model.networks import DeiTConfig
from pointwise.model.synthetic import synthetic_checkpoint
from pointwise.sim.cli import main

CONFIG = DeiTConfig(image_size=4, patch=2, in_channels=1, dim=8, depth=1, heads=2, mlp_ratio=2, classes=3)


def test_other_weights_in_the_same_file_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    weights, out = tmp_path / "my.safetensors", tmp_path / "methods.json"
    call = ["ablation", "--checkpoint", str(weights), "--count", "1", "--calibration", "2"]
    save_checkpoint(weights, synthetic_checkpoint(CONFIG, 0))
    assert main([*call, "--out", str(out)]) == 0
    before = out.read_text()
    assert main([*call, "--out", str(out)]) == 0
    assert out.read_text() == before, "all of it was there"
    save_checkpoint(weights, synthetic_checkpoint(CONFIG, 1))
    capsys.readouterr()
    assert main([*call, "--out", str(out)]) == 1
    told = capsys.readouterr().err
    assert "does not say that it is of these weights and images" in told and told.count("\n") == 1
    assert out.read_text() == before


def test_images_of_a_folder_are_compared_on_and_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    weights, pictures = tmp_path / "my.safetensors", tmp_path / "pictures"
    save_checkpoint(weights, synthetic_checkpoint(CONFIG, 0))
    pictures.mkdir()
    for index in range(5):
        pixels = np.random.default_rng(index).integers(0, 256, (4, 4), np.uint8)
        Image.fromarray(pixels).save(pictures / f"{index}.png")
    (pictures / "none.png").write_text("no image")
    call = ["ablation", "--checkpoint", str(weights), "--calibration", "3", "--out", str(tmp_path / "m.json")]
    assert main([*call, "--images", str(pictures)]) == 0
    said = capsys.readouterr().out
    assert f"3 to calibrate on and 2 to compare on of images of {pictures}" in said
    assert "Images are prepared so: 4 bicubic, centre 4, mean 0.5, deviation 0.5 (a guess:" in said
    assert "1 images could not be read: none.png" in said
    assert main([*call, "--images", str(pictures), "--calibration", "5"]) == 1
    assert "5 can be read, and 5 are to calibrate on" in capsys.readouterr().err


def test_the_trained_network_has_images_of_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ablation", "--real", "--model", "micro"]) == 1
    told = capsys.readouterr().err
    assert "--real has weights and images of its own" in told
    assert told.count("\n") == 1


def test_a_convolutional_network_without_what_it_does_not_look_at(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Made-up weights and images; files of other weights, and options that do not go with it, are told."""
    out = tmp_path / "methods.json"
    call = ["ablation", "--model", "resnet20", "--count", "1", "--calibration", "1", "--out", str(out)]
    assert main(call) == 0
    contents = json.loads(out.read_text())
    found = [(attempt["method"], attempt["sqnr_db"]) for attempt in contents["attempts"]]
    assert len(found) == 5 and not any("LayerNorm" in method for method, _ in found)
    assert found[-1][1] > found[0][1] + 6
    monkeypatch.setattr(made_up_module, "made_up", lambda name: made_up(name, 1))
    assert main(call) == 1
    assert "does not say that it is of these weights" in capsys.readouterr().err
    assert main([*call, "--images", str(tmp_path)]) == 1
    assert "made up; leave out --checkpoint, --heads, --images and --preprocess" in capsys.readouterr().err
