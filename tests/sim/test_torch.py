"""``pointwise quantise --torch``, and what the other commands make of its file."""

import re
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from pointwise.model.quantise import load_network
from pointwise.model.quantise.taken import changes_of
from pointwise.sim.cli import main

NETS = """
import torch
from torch import nn


def build():
    torch.manual_seed(0)
    layer = nn.TransformerEncoderLayer(16, 2, 24, batch_first=True, norm_first=True)
    return nn.Sequential(nn.Linear(12, 16), layer, nn.LayerNorm(16), nn.Linear(16, 3)), torch.zeros(1, 9, 12)


def images():
    return nn.Sequential(nn.Conv2d(3, 8, 4, 4), nn.Flatten(2)), torch.zeros(1, 3, 8, 8)


class Patches(nn.Module):
    def __init__(self):
        super().__init__()
        self.patch, self.head = nn.Conv2d(3, 8, 4, 4), nn.Linear(8, 3)

    def forward(self, x):
        return self.head(torch.relu(self.patch(x)).flatten(2).transpose(1, 2))


def patches():
    return Patches(), torch.zeros(1, 3, 8, 8)
"""


@pytest.fixture
def nets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a file of networks, in which commands run and write."""
    (tmp_path / "my_net.py").write_text(NETS)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_module_is_quantised_compiled_and_simulated(
    nets: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main(["quantise", "--torch", "my_net.py:build", "--out", "net.safetensors"]) == 0
    told = capsys.readouterr().out
    assert "14 made-up inputs: give your own with --inputs" in told
    assert "on 2 others the default keeps" in told
    network = load_network(nets / "net.safetensors")
    assert network.name == "my_net" and network.input.shape == (9, 12)
    assert main(["compile", "--network", "net.safetensors", "--config", "tiny", "--out", "image"]) == 0
    assert (nets / "image" / "input.bin").exists()
    monkeypatch.undo()
    run = ["sim", "--network", str(nets / "net.safetensors"), "--rows", "8", "--cols", "8"]
    assert main([*run, "--count", "2", "--out", str(nets / "run")]) == 0
    assert (nets / "run" / "report.html").exists()
    assert main([*run, "--model", "micro"]) == 1
    assert "is of a network without a checkpoint" in capsys.readouterr().err


def test_inputs_and_images(nets: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rng = np.random.default_rng(0)
    np.save(nets / "in.npy", rng.normal(size=(8, 9, 12)))
    quantise = ["quantise", "--out", "net.safetensors", "--torch"]
    assert main([*quantise, "my_net.py:build", "--inputs", "in.npy"]) == 0
    assert "calibrated on 8 inputs of in.npy" in capsys.readouterr().out
    (nets / "images").mkdir()
    for index in range(3):
        pixels = rng.integers(0, 256, (8, 8, 3), np.uint8)
        Image.fromarray(pixels).save(nets / "images" / f"{index}.png")
    assert main([*quantise, "my_net.py:patches", "--images", "images"]) == 0
    assert "calibrated on 3 images of images" in capsys.readouterr().out
    assert load_network(nets / "net.safetensors").name == "my_net_patches"
    np.save(nets / "wrong.npy", np.array(["a"]))
    (nets / "none.npy").write_text("no array")
    for arguments, words in (
        (
            ["my_net.py:build", "--images", "images"],
            r"takes inputs of the shape \(9, 12\), which are no square",
        ),
        (
            ["my_net.py:patches", "--inputs", "in.npy"],
            r"have the shape \(8, 9, 12\), but my_net_patches takes",
        ),
        (["my_net.py:build", "--inputs", "none.npy"], "cannot be read as a file of NumPy"),
        (["my_net.py:build", "--inputs", "wrong.npy"], "are no array of numbers"),
        (["my_net.py:build", "--inputs", "gone.npy"], "No such file"),
        (["my_net.py:images"], "returns a tensor whose last dimension is not the channels of one token each"),
        (["my_net.py:build", "--model", "micro"], "leave out the other, --model"),
        (["my_net.py"], "is no function in a file"),
    ):
        assert main([*quantise, *arguments]) == 1
        told = capsys.readouterr().err
        assert re.search(words, told) and told.count("\n") == 1, told
    assert main(["quantise", "--inputs", "in.npy"]) == 1
    assert "--inputs goes with --torch or --onnx" in capsys.readouterr().err


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_what_a_quantised_file_says_is_kept_or_told(
    nets: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.model.frontends.quantised_files import Net, export, static

    monkeypatch.setenv("COLUMNS", "200")
    torch.manual_seed(0)
    images = torch.randn(16, 3, 12, 12)
    path = static(export(Net().eval(), images, nets / "net.onnx"), images, "QInt8")
    np.save("inputs.npy", images.numpy())
    asked = ["quantise", "--onnx", str(path), "--inputs", "inputs.npy", "--out", "net.safetensors"]
    assert main(asked) == 0
    told = capsys.readouterr().out
    assert "10 of the 12 values and weights that the file rounds have its integers" in told
    (line,) = (line for line in told.splitlines() if "/Add_output_0" in line)
    assert "zero -128" in line and "is a sum of bytes" in line
    taken, changes = changes_of(load_network(nets / "net.safetensors"))
    assert (taken, len(changes)) == (10, 2)


def test_an_onnx_file_is_quantised(nets: Path, capsys: pytest.CaptureFixture[str]) -> None:
    layer = torch.nn.Sequential(torch.nn.Linear(6, 8), torch.nn.ReLU(), torch.nn.Linear(8, 3)).eval()
    torch.onnx.export(layer, (torch.zeros(1, 6),), nets / "layers.onnx", dynamo=False, verbose=False)
    assert main(["quantise", "--onnx", "layers.onnx", "--out", "net.safetensors"]) == 0
    assert "net.safetensors: layers, 3 operators" in capsys.readouterr().out
    assert main(["quantise", "--onnx", "layers.onnx", "--torch", "my_net.py:build"]) == 1
    assert "leave out the other" in capsys.readouterr().err
