"""Small files that claim to be large: they are told for it, and nothing of what they claim is made."""

import zipfile
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy
import torch

from pointwise.hw.contract.errors import PointwiseError
from pointwise.model.checkpoints import load_checkpoint, save_checkpoint
from pointwise.model.networks import DeiTConfig, expected_shapes
from pointwise.model.synthetic import synthetic_checkpoint
from tests.files.guard import guarded

CONFIG = DeiTConfig(4, 2, 1, 8, 1, 2, 2, 3)
LARGE = DeiTConfig(4, 2, 1, 1 << 12, 4, 2, 4, 3)
"""Three gigabytes of weights."""


def told(path: Path, folder: Path) -> str:
    """What is said of a checkpoint that may not take memory."""
    with pytest.raises(PointwiseError) as caught, guarded(folder, 64 << 20):
        load_checkpoint(path, heads=2)
    return str(caught.value)


def test_weights_that_repeat_one_number(tmp_path: Path) -> None:
    state = {name: torch.zeros(1).expand(shape) for name, shape in expected_shapes(LARGE).items()}
    torch.save({"model": state}, tmp_path / "a.pth")
    assert (tmp_path / "a.pth").stat().st_size < 100_000
    assert "as they repeat what the file holds once; save copies" in told(tmp_path / "a.pth", tmp_path)


def test_weights_that_are_packed(tmp_path: Path) -> None:
    save_checkpoint(tmp_path / "a.pth", synthetic_checkpoint(CONFIG))
    with (
        zipfile.ZipFile(tmp_path / "a.pth") as sound,
        zipfile.ZipFile(tmp_path / "b.pth", "w", zipfile.ZIP_DEFLATED) as packed,
    ):
        for name in sound.namelist():
            packed.writestr(name, sound.read(name))
        packed.writestr("b/data/99", bytes(1 << 27))
    assert "packed into" in told(tmp_path / "b.pth", tmp_path)


@pytest.mark.parametrize("kind", ["to_sparse", "meta"])
def test_weights_that_are_no_ordinary_tensors(tmp_path: Path, kind: str) -> None:
    state = dict(synthetic_checkpoint(CONFIG).state)
    weight = state["head.weight"]
    state["head.weight"] = weight.to_sparse() if kind == "to_sparse" else weight.to("meta")
    torch.save(state, tmp_path / "a.pth")
    assert "head.weight is no ordinary tensor" in told(tmp_path / "a.pth", tmp_path)


@pytest.mark.parametrize(
    ("name", "shape", "words"),
    [
        ("blocks.999999999.norm1.weight", (8,), "network's depth is 1000000000, but 4,096 is the most"),
        (f"blocks.{'9' * 5000}.norm1.weight", (8,), "which the network does not have"),
        ("pos_embed", (1 << 36, 0, 8), "do not make a square image"),
        ("blocks.0.attn.qkv.weight", (1 << 40, 0), "lacks blocks.0.attn.qkv.bias"),
    ],
)
def test_names_and_shapes_that_count_high(tmp_path: Path, name: str, shape: tuple, words: str) -> None:
    arrays = {key: value.numpy() for key, value in synthetic_checkpoint(CONFIG).state.items()}
    arrays.pop("blocks.0.attn.qkv.bias")
    arrays[name] = np.zeros(shape, np.float32)
    if "qkv" not in name:
        arrays["blocks.0.attn.qkv.bias"] = np.zeros(24, np.float32)
    safetensors.numpy.save_file(arrays, tmp_path / "a.safetensors")
    assert words in told(tmp_path / "a.safetensors", tmp_path)
