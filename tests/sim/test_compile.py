"""``pointwise compile``: what lies in the folder belongs together."""

from pathlib import Path

import pytest

from pointwise.model.compiler.random_network import random_network
from pointwise.model.quantise.io import save_network
from pointwise.sim.cli import main


def test_no_input_of_another_network_stays_beside_an_image(tmp_path: Path) -> None:
    network, folder = tmp_path / "n.safetensors", tmp_path / "image"
    save_network(network, random_network(3))
    folder.mkdir()
    (folder / "input.bin").write_bytes(b"of another one")
    assert main(["compile", "--network", str(network), "--config", "tiny", "--out", str(folder)]) == 0
    assert (folder / "image.bin").exists() and not (folder / "input.bin").exists()


def test_integers_and_a_checkpoint_do_not_go_together(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["compile", "--network", str(tmp_path / "n.safetensors"), "--model", "micro"]) == 1
    assert "leave out --model" in capsys.readouterr().err


def test_the_ending_of_a_network_is_looked_at_before_it_is_computed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["quantise", "--checkpoint", str(tmp_path / "none"), "--out", str(tmp_path / "m.pt")]) == 1
    assert ".safetensors was expected" in capsys.readouterr().err
