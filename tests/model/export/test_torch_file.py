"""PyTorch files: read without pickled code, loaded by an ordinary DeiT, equal to the integer network."""

import io
import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from hw.contract.errors import PointwiseError
from model.deit import DeiT
from model.export.torch_file import encode
from model.integer.convolution import convolve
from model.integer.layernorm import normalise, statistics, token_sums
from model.integer.network import run
from model.integer.requantise import requantise
from model.integer.rounding import INT16
from model.networks import DeiTConfig, expected_shapes
from model.quantise import patchify
from model.synthetic import synthetic_images


@pytest.fixture(scope="module")
def content(distilled) -> dict:
    return torch.load(io.BytesIO(encode(distilled)), weights_only=True)


@pytest.fixture(scope="module")
def config(distilled) -> DeiTConfig:
    return DeiTConfig.from_dict(distilled.info["config"])


def test_an_ordinary_deit_takes_the_tensors(content, config):
    state = content["model"]
    assert {key: tuple(tensor.shape) for key, tensor in state.items()} == expected_shapes(config)
    DeiT(config).load_state_dict(state, strict=True)
    kinds = {key: tensor.dtype for key, tensor in state.items()}
    for key, kind in kinds.items():
        if "norm" in key:
            assert kind == torch.float32, key
        elif key.endswith(".weight"):
            assert kind == torch.int8, key
        elif key.endswith(".bias"):
            assert kind == torch.int32, key
        else:
            assert kind == torch.int16, key


def test_weights_and_biases_are_those_of_the_layers(distilled, content, config):
    state = {key: tensor.numpy() for key, tensor in content["model"].items()}
    dim, width = config.dim, config.head_dim
    for layer in distilled.layers:
        if layer.weight is None:
            continue
        block, _, last = layer.name.rpartition(".attn.")
        rows, key = slice(None), layer.name
        if block and last[0] in "qkv":
            letter, head = last.split(".")
            first = "qkv".index(letter) * dim + int(head) * width
            rows, key = slice(first, first + width), f"{block}.attn.qkv"
        if layer.name == "patch_embed":
            key = "patch_embed.proj"
        assert np.array_equal(state[f"{key}.weight"].reshape(-1, layer.weight.shape[1])[rows], layer.weight)
        assert np.array_equal(state[f"{key}.bias"][rows], layer.bias)


def test_positions_and_class_tokens_start_as_in_the_integer_network(distilled, content, config):
    tokens = patchify(distilled, synthetic_images(config, 1, seed=5).numpy())[0]
    embed = distilled.layers[0]
    patches = tokens[config.prefix_tokens :]
    made = requantise(convolve(patches, embed.weight), embed.bias, embed.mult, embed.shift, INT16)
    class_tokens = [content["model"][key][0].numpy() for key in ("cls_token", "dist_token")]
    start = content["model"]["pos_embed"][0].numpy() + np.concatenate([*class_tokens, made])
    assert np.array_equal(start, run(distilled, tokens)["patch_embed"])


def test_norms_give_the_integers_that_enter_the_array(distilled, content, config):
    """The ordinary LayerNorm against the integer one, which rounds it."""
    rng = np.random.default_rng(3)
    residual = rng.integers(-20000, 20000, (50, config.dim))
    for index, reader in enumerate(("blocks.0.attn.q.0", "blocks.0.mlp.fc1", "blocks.1.attn.q.0")):
        key = f"blocks.{index // 2}.norm{index % 2 + 1}"
        layer = next(layer for layer in distilled.layers if layer.name == reader)
        at = distilled.layers.index(layer)
        constants = next(before.norm for before in reversed(distilled.layers[:at]) if before.norm)
        expected = normalise(residual, *statistics(*token_sums(residual), constants), layer.channel_shift)
        norm = torch.nn.functional.layer_norm(
            torch.from_numpy(residual).double(), [config.dim], content["model"][f"{key}.weight"].double()
        )
        made = np.clip(norm.numpy() + content["model"][f"{key}.bias"].numpy(), -128, 127)
        assert np.abs(made - expected).max() < 0.51
        assert np.abs(expected).max() > 20


def test_requantisation_and_everything_else_is_there(distilled, content):
    tables = content["requantise"]
    for layer in distilled.layers:
        for name in ("mult", "shift", "table", "exp_table"):
            if getattr(layer, name) is not None:
                assert np.array_equal(tables.pop(f"{layer.name}.{name}").numpy(), getattr(layer, name))
    assert not tables
    described = json.loads(content["description"])
    assert [layer["scale"] for layer in described["layers"]] == [layer.scale for layer in distilled.layers]


def test_other_networks_are_refused(distilled):
    with pytest.raises(PointwiseError, match="The network small is no DeiT"):
        encode(replace(distilled, info={}))
