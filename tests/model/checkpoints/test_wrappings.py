"""Weights as people keep them: in training scripts' dictionaries, behind prefixes, under other endings."""

from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch
from torch import nn

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


@pytest.mark.parametrize("key", ["model_ema", "state_dict_ema"])
def test_averaged_weights_where_they_are_asked_for(tmp_path: Path, key: str) -> None:
    other = {name: tensor + 1 for name, tensor in STATE.items()}
    torch.save({key: STATE, "model": other}, tmp_path / "net.pth")
    found = load_checkpoint(tmp_path / "net.pth", CONFIG, ema=True)
    assert all(torch.equal(found.state[name], tensor) for name, tensor in STATE.items())


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_averages_that_are_not_there_are_told(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"net{suffix}"
    torch.save({"model": STATE}, path) if suffix == ".pth" else safetensors.torch.save_file(STATE, path)
    with pytest.raises(PointwiseError, match=r"holds no averaged weights \(model_ema, state_dict_ema\)"):
        load_checkpoint(path, CONFIG, ema=True)


class Scripted(nn.Module):
    """A module that holds tensors by a network's names, for a file of TorchScript."""

    def __init__(self) -> None:
        super().__init__()
        for name, tensor in STATE.items():
            *path, last = name.split(".")
            module: nn.Module = self
            for part in path:
                if not hasattr(module, part):
                    module.add_module(part, nn.Module())
                module = getattr(module, part)
            module.register_buffer(last, tensor)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x


def test_a_file_of_torch_jit(tmp_path: Path) -> None:
    torch.jit.trace(Scripted(), torch.zeros(1)).save(tmp_path / "net.pt")
    load_and_compare(tmp_path / "net.pt")


def flax(state: dict[str, torch.Tensor]) -> dict[str, np.ndarray]:
    """The same weights as Google's files have them."""
    whole = {
        "embedding/kernel": state["patch_embed.proj.weight"].permute(2, 3, 1, 0),
        "embedding/bias": state["patch_embed.proj.bias"],
        "cls": state["cls_token"],
        "Transformer/posembed_input/pos_embedding": state["pos_embed"],
        "Transformer/encoder_norm/scale": state["norm.weight"],
        "Transformer/encoder_norm/bias": state["norm.bias"],
        "head/kernel": state["head.weight"].T,
        "head/bias": state["head.bias"],
    }
    heads, dim = CONFIG.heads, CONFIG.dim
    for index in range(CONFIG.depth):
        block, ours = f"Transformer/encoderblock_{index}", f"blocks.{index}"
        attention = f"{block}/MultiHeadDotProductAttention_1"
        weights, biases = (state[f"{ours}.attn.qkv.{part}"].chunk(3) for part in ("weight", "bias"))
        for name, weight, bias in zip(("query", "key", "value"), weights, biases, strict=True):
            whole[f"{attention}/{name}/kernel"] = weight.T.reshape(dim, heads, -1)
            whole[f"{attention}/{name}/bias"] = bias.reshape(heads, -1)
        whole[f"{attention}/out/kernel"] = state[f"{ours}.attn.proj.weight"].T.reshape(heads, -1, dim)
        whole[f"{attention}/out/bias"] = state[f"{ours}.attn.proj.bias"]
        for number, norm in ((0, "norm1"), (2, "norm2")):
            whole[f"{block}/LayerNorm_{number}/scale"] = state[f"{ours}.{norm}.weight"]
            whole[f"{block}/LayerNorm_{number}/bias"] = state[f"{ours}.{norm}.bias"]
        for number, layer in enumerate(("fc1", "fc2")):
            whole[f"{block}/MlpBlock_3/Dense_{number}/kernel"] = state[f"{ours}.mlp.{layer}.weight"].T
            whole[f"{block}/MlpBlock_3/Dense_{number}/bias"] = state[f"{ours}.mlp.{layer}.bias"]
    return {name: tensor.numpy() for name, tensor in whole.items()}


def test_an_archive_of_googles(tmp_path: Path) -> None:
    np.savez(tmp_path / "vit.npz", **flax(STATE))
    load_and_compare(tmp_path / "vit.npz")
    alone = load_checkpoint(tmp_path / "vit.npz")
    assert (alone.config.heads, alone.layout) == (CONFIG.heads, "Google")


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"head/kernel": None}, "lacks head.weight"),
        ({"pre_logits/kernel": np.zeros((8, 8), np.float32)}, "pre_logits/kernel"),
        (
            {"Transformer/encoderblock_1/MultiHeadDotProductAttention_1/key/bias": None},
            "Block 1 .* lacks queries",
        ),
        (
            {"Transformer/encoderblock_0/MultiHeadDotProductAttention_1/key/kernel": None},
            "Block 0 .* lacks queries",
        ),
        ({"cls": np.zeros((1, 1, 9), np.float32)}, "cls_token"),
        ({"cls": np.zeros((1, 1, 8), np.int64)}, "cls_token is torch.int64"),
        ({"cls": np.array(["x"], object)}, "damaged or something else"),
    ],
    ids=str,
)
def test_an_archive_that_does_not_fit(
    tmp_path: Path, change: dict[str, np.ndarray | None], sentence: str
) -> None:
    held = {name: array for name, array in (flax(STATE) | change).items() if array is not None}
    np.savez(tmp_path / "vit.npz", **held)
    with pytest.raises(PointwiseError, match=sentence) as told:
        load_checkpoint(tmp_path / "vit.npz", CONFIG)
    assert "\n" not in str(told.value)
