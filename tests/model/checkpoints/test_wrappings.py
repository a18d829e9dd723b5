"""Weights as people keep them: in training scripts' dictionaries, behind prefixes, under other endings."""

from pathlib import Path

import pytest
import safetensors.torch
import torch

from pointwise.hw.contract.errors import PointwiseError
from pointwise.model.checkpoints import load_checkpoint
from pointwise.model.networks import DeiTConfig
from pointwise.model.synthetic import synthetic_checkpoint

CONFIG = DeiTConfig(8, 4, 1, 8, 2, 2, 2, 3)
STATE = dict(synthetic_checkpoint(CONFIG).state)
OTHERS = {"model": None, "epoch": 3}


def load_and_compare(path: Path) -> None:
    found = load_checkpoint(path, CONFIG)
    assert all(torch.equal(found.state[key], tensor) for key, tensor in STATE.items())


@pytest.mark.parametrize(
    "key", ["model", "state_dict", "model_state_dict", "net", "network", "model_ema", "state_dict_ema"]
)
def test_nested_under_a_name(tmp_path: Path, key: str) -> None:
    torch.save({**OTHERS, key: STATE}, tmp_path / "net.pth")
    load_and_compare(tmp_path / "net.pth")


def test_trained_weights_go_before_averaged_ones(tmp_path: Path) -> None:
    other = {key: tensor + 1 for key, tensor in STATE.items()}
    torch.save({"model_ema": other, "model": STATE}, tmp_path / "net.pth")
    load_and_compare(tmp_path / "net.pth")


@pytest.mark.parametrize(
    "prefix",
    [
        "module.",
        "_orig_mod.",
        "model.",
        "backbone.",
        "module._orig_mod.",
        "_orig_mod.module.model.",
        "model.encoder.",
    ],
)
@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_prefixes_in_any_order(tmp_path: Path, prefix: str, suffix: str) -> None:
    state, path = {f"{prefix}{key}": tensor for key, tensor in STATE.items()}, tmp_path / f"net{suffix}"
    torch.save(state, path) if suffix == ".pth" else safetensors.torch.save_file(state, path)
    load_and_compare(path)


def test_a_prefix_of_some_names_alone_stays(tmp_path: Path) -> None:
    state = {f"module.{key}": tensor for key, tensor in STATE.items()} | {"criterion.weight": torch.zeros(1)}
    torch.save(state, tmp_path / "net.pth")
    with pytest.raises(PointwiseError, match=r"lacks cls_token"):
        load_checkpoint(tmp_path / "net.pth", CONFIG)


@pytest.mark.parametrize("name", ["net.bin", "net.ckpt", "net.pth.tar"])
def test_other_endings_of_pickles(tmp_path: Path, name: str) -> None:
    torch.save({"state_dict": STATE, "pytorch-lightning_version": "2.4.0"}, tmp_path / name)
    load_and_compare(tmp_path / name)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (
            b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 3\n",
            "pointer that Git LFS leaves",
        ),
        (b"\n<!DOCTYPE html><html><body>Sign in</body></html>", "is a web page"),
        (b"<HTML>", "is a web page"),
    ],
)
@pytest.mark.parametrize("suffix", [".pth", ".safetensors", ".ckpt"])
def test_what_is_no_file_of_weights_is_told(tmp_path: Path, content: bytes, words: str, suffix: str) -> None:
    path = tmp_path / f"net{suffix}"
    path.write_bytes(content)
    with pytest.raises(PointwiseError, match=words) as caught:
        load_checkpoint(path)
    assert str(path) in str(caught.value) and "\n" not in str(caught.value)
