"""The authors' and timm's layouts: the same names, told apart by the file; every dimension from the shapes.

timm itself needs torchvision, so its files are made here, with the names and the ``config.json`` that it
writes.
"""

import argparse
import dataclasses
import json
from pathlib import Path

import pytest
import safetensors.torch
import torch

from pointwise.hw.contract.errors import PointwiseError
from pointwise.model.checkpoints import load_checkpoint
from pointwise.model.images.preprocessing import IMAGENET_MEAN, Preprocessing, authors, timm
from pointwise.model.networks import NETWORKS, DeiTConfig, expected_shapes
from pointwise.model.synthetic import synthetic_checkpoint

SIZES = {"depth": 2, "image_size": 32, "classes": 7, "norm_eps": 1e-6}
PUBLISHED = [dataclasses.replace(NETWORKS[name], **SIZES) for name in NETWORKS if name.startswith("deit")]
ODD = DeiTConfig(20, 5, 1, 11, 3, 1, 15 / 11, 4, distilled=True)


@pytest.mark.parametrize("config", PUBLISHED, ids=lambda c: f"{c.dim}{' distilled' if c.distilled else ''}")
def test_published_sizes_need_no_name(tmp_path: Path, config: DeiTConfig) -> None:
    state = {key: torch.zeros(shape) for key, shape in expected_shapes(config).items()}
    torch.save({"model": state}, tmp_path / "net.pth")
    found = load_checkpoint(tmp_path / "net.pth")
    assert (found.config, found.layout, found.prepared) == (config, "DeiT authors", authors(32))
    safetensors.torch.save_file(state, tmp_path / "net.safetensors")
    found = load_checkpoint(tmp_path / "net.safetensors")
    assert (found.config, found.layout, found.prepared) == (config, "timm", timm(32))


def test_any_dimensions_are_found(tmp_path: Path) -> None:
    state = synthetic_checkpoint(ODD).state
    torch.save({"state_dict": {f"module.{key}": value for key, value in state.items()}}, tmp_path / "net.pt")
    found = load_checkpoint(tmp_path / "net.pt", heads=1)
    assert found.config == ODD
    assert all(torch.equal(found.state[key], state[key]) for key in state)
    assert found.prepared == authors(20, 1)


def test_what_the_training_script_saves_is_read(tmp_path: Path) -> None:
    """Weights beside an optimiser's state and the command line."""
    state = synthetic_checkpoint(ODD).state
    args = argparse.Namespace(model="deit_tiny_patch16_224", lr=5e-4)
    torch.save({"model": state, "optimizer": {"state": {}}, "epoch": 3, "args": args}, tmp_path / "net.pth")
    assert load_checkpoint(tmp_path / "net.pth", ODD).config == ODD


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_attention_without_biases_has_zeros(tmp_path: Path, suffix: str) -> None:
    state = synthetic_checkpoint(ODD).state
    state = {key: value for key, value in state.items() if not key.endswith("qkv.bias")}
    path = tmp_path / f"net{suffix}"
    torch.save(state, path) if suffix == ".pth" else safetensors.torch.save_file(state, path)
    found = load_checkpoint(path, ODD)
    assert not any(found.state[f"blocks.{i}.attn.qkv.bias"].any() for i in range(3))
    assert torch.equal(found.state["norm.bias"], state["norm.bias"])


def test_a_single_missing_bias_is_not_filled(tmp_path: Path) -> None:
    state = synthetic_checkpoint(ODD).state
    del state["blocks.1.attn.qkv.bias"]
    torch.save(state, tmp_path / "net.pth")
    with pytest.raises(PointwiseError, match=r"lacks blocks\.1\.attn\.qkv\.bias"):
        load_checkpoint(tmp_path / "net.pth", heads=1)


@pytest.mark.parametrize(
    ("name", "tensor", "words"),
    [
        ("patch_embed.proj.weight", torch.zeros(11, 25), "4 axes were expected"),
        ("patch_embed.proj.weight", torch.zeros(11, 1, 5, 4), "patches .* are 5×4 pixels"),
        ("pos_embed", torch.zeros(1, 17, 11), "15 of them for patches, which do not make a square"),
        ("blocks.1.ls1.gamma", torch.zeros(10), r"holds blocks\.1\.ls1\.gamma, which"),
        ("blocks.1.ls3.gamma", torch.zeros(11), r"holds blocks\.1\.ls3\.gamma, which"),
        ("blocks.7.gamma_1", torch.zeros(11), r"lacks blocks|holds blocks\.7\.gamma_1, which"),
        ("blocks.7.norm1.weight", torch.zeros(11), r"lacks blocks\.3\.norm1\.weight and \d+ more"),
        ("patch_embed.proj.weight", None, r"lacks patch_embed\.proj\.weight, which every ViT and DeiT has"),
        ("head.weight", None, r"lacks head\.weight, which every ViT"),
    ],
)
def test_what_is_no_such_network_is_told(tmp_path: Path, name, tensor, words: str) -> None:
    state = dict(synthetic_checkpoint(ODD).state)
    if tensor is None:
        del state[name]
    else:
        state[name] = tensor
    torch.save(state, tmp_path / "net.pth")
    with pytest.raises(PointwiseError, match=words):
        load_checkpoint(tmp_path / "net.pth", heads=1)


def test_empty_file_is_told(tmp_path: Path) -> None:
    torch.save({}, tmp_path / "net.pth")
    with pytest.raises(PointwiseError, match="holds no weights"):
        load_checkpoint(tmp_path / "net.pth")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """As timm pushes a model to the hub."""
    config = PUBLISHED[0]
    safetensors.torch.save_file(synthetic_checkpoint(config).state, tmp_path / "model.safetensors")
    describe(tmp_path)
    return tmp_path


def describe(folder: Path, pretrained: dict[str, object] | None = None, **changes: object) -> None:
    images = {
        "input_size": [3, 32, 32],
        "interpolation": "bicubic",
        "crop_pct": 0.8,
        "crop_mode": "center",
        "mean": [0.5, 0.5, 0.5],
        "std": [0.25, 0.5, 0.5],
    }
    config = {
        "architecture": "deit_tiny_patch16_224",
        "num_classes": 7,
        "num_features": 192,
        "global_pool": "token",
        "pretrained_cfg": images | (pretrained or {}),
    }
    (folder / "config.json").write_text(json.dumps(config | changes))


def test_folder_of_timm_says_its_preprocessing(folder: Path) -> None:
    found = load_checkpoint(folder)
    assert found.config == PUBLISHED[0]
    assert found.prepared == Preprocessing(32, 40, mean=(0.5, 0.5, 0.5), std=(0.25, 0.5, 0.5))
    describe(folder, {"crop_mode": "squash", "crop_pct": 1.0, "mean": list(IMAGENET_MEAN)})
    prepared = load_checkpoint(folder).prepared
    assert (prepared.resize, prepared.mean) == ((32, 32), IMAGENET_MEAN)


@pytest.mark.parametrize(
    ("pretrained", "words"),
    [
        ({"crop_mode": "border"}, 'crop mode "border"'),
        ({"input_size": [3, 224, 224]}, "gives images of 224 pixels, but the network takes 32"),
        ({"crop_pct": 0}, "in a way that is not known"),
        ({"mean": None}, "in a way that is not known"),
        ({"std": [0, 0, 0]}, "no zero to divide by"),
    ],
)
def test_preprocessing_that_cannot_be_used_is_told_to_who_asks(folder: Path, pretrained, words: str) -> None:
    describe(folder, pretrained)
    checkpoint = load_checkpoint(folder)
    with pytest.raises(PointwiseError, match=words):
        _ = checkpoint.prepared


def test_mean_of_the_tokens_is_refused(folder: Path) -> None:
    describe(folder, global_pool="avg")
    with pytest.raises(PointwiseError, match="classifies by 'avg' of the tokens"):
        load_checkpoint(folder)


def test_classes_of_the_description_must_be_those_of_the_weights(folder: Path) -> None:
    describe(folder, num_classes=1000)
    with pytest.raises(PointwiseError, match="says classes 1000, but its weights have 7"):
        load_checkpoint(folder)
