"""``pointwise ablation``: a file is gone on with only where it is of the same weights."""

from pathlib import Path

import pytest

from pointwise.model.checkpoints import save_checkpoint
from pointwise.model.networks import DeiTConfig
from pointwise.model.synthetic import synthetic_checkpoint
from pointwise.sim.cli import main

CONFIG = DeiTConfig(image_size=4, patch=2, in_channels=1, dim=8, depth=1, heads=2, mlp_ratio=2, classes=3)


def test_other_weights_in_the_same_file_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    weights, out = tmp_path / "my.safetensors", tmp_path / "methods.json"
    call = ["ablation", "--checkpoint", str(weights), "--images", "1", "--calibration", "2"]
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
