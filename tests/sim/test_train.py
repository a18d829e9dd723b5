"""``pointwise train`` for networks of handwriting: what is trained, and what is not known."""

from pathlib import Path
from typing import Any

import pytest

from pointwise.model import train_pictures
from pointwise.sim.cli import main


def test_options_change_the_networks_own_recipe(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: dict[str, Any] = {}

    def train(name: str, path: Path, **options: Any) -> dict[str, Any]:
        asked.update(options, name=name, path=path)
        return {"held_out_accuracy": 98.7}

    monkeypatch.setattr(train_pictures, "train_pictures", train)
    out = tmp_path / "new" / "net.safetensors"
    assert main(["train", "--model", "resnet20", "--out", str(out), "--epochs", "3", "--seed", "9"]) == 0
    assert asked["name"] == "resnet20" and asked["path"] == out and out.parent.is_dir()
    assert asked["recipe"].epochs == 3 and asked["recipe"].seed == 9
    assert asked["recipe"].average == train_pictures.RECIPE.average
    assert "98.70" in capsys.readouterr().out


def test_networks_without_a_recipe_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "--model", "resnet18"]) == 1
    assert "choose micro or resnet20 or mobilenet_v1_quarter" in capsys.readouterr().err
