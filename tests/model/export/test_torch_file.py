"""PyTorch files: read without pickled code, loaded by an ordinary DeiT, equal to the integer network."""

import io
import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from pointwise.hw.contract.errors import PointwiseError
from pointwise.model.deit import DeiT
from pointwise.model.export.torch_file import encode
from pointwise.model.graph import run
from pointwise.model.graph.ops import Linear
from pointwise.model.integer.convolution import convolve
from pointwise.model.integer.requantise import requantise
from pointwise.model.integer.rounding import INT16
from pointwise.model.networks import DeiTConfig, expected_shapes
from pointwise.model.quantise import patchify
from pointwise.model.synthetic import synthetic_images


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


def test_weights_and_biases_are_those_of_the_operators(distilled, content, config):
    state = {key: tensor.numpy() for key, tensor in content["model"].items()}
    dim, width = config.dim, config.head_dim
    for op in distilled.ops:
        if not isinstance(op, Linear):
            continue
        block, _, last = op.name.rpartition(".attn.")
        rows, key = slice(None), op.name
        if block and last[0] in "qkv":
            letter, head = last.split(".")
            first = "qkv".index(letter) * dim + int(head) * width
            rows, key = slice(first, first + width), f"{block}.attn.qkv"
        if op.name == "patch_embed":
            key = "patch_embed.proj"
        assert np.array_equal(state[f"{key}.weight"].reshape(-1, op.weight.shape[1])[rows], op.weight)
        assert np.array_equal(state[f"{key}.bias"][rows], op.bias)


def test_positions_and_class_tokens_start_as_in_the_integer_network(distilled, content, config):
    tokens = patchify(distilled, synthetic_images(config, 1, seed=5).numpy())[0]
    embed = distilled["patch_embed"]
    patches = tokens[config.prefix_tokens :]
    made = requantise(convolve(patches, embed.weight), embed.bias, embed.mult, embed.shift, INT16)
    class_tokens = [content["model"][key][0].numpy() for key in ("cls_token", "dist_token")]
    start = content["model"]["pos_embed"][0].numpy() + np.concatenate([*class_tokens, made])
    assert np.array_equal(start, run(distilled, tokens)["patch_embed.add"])


def test_norms_give_the_integers_that_enter_the_array(distilled, content, config):
    """The ordinary LayerNorm against the integer one, which rounds it."""
    rng = np.random.default_rng(3)
    residual = rng.integers(-20000, 20000, (50, config.dim))
    for key in ("blocks.0.norm1", "blocks.0.norm2", "blocks.1.norm1"):
        expected = distilled[key].integer(residual)
        norm = torch.nn.functional.layer_norm(
            torch.from_numpy(residual).double(), [config.dim], content["model"][f"{key}.weight"].double()
        )
        made = np.clip(norm.numpy() + content["model"][f"{key}.bias"].numpy(), -128, 127)
        assert np.abs(made - expected).max() < 0.51
        assert np.abs(expected).max() > 20


def test_requantisation_and_everything_else_is_there(distilled, content):
    tables = content["requantise"]
    assert "blocks.1.mlp.act.table" in tables and "blocks.1.attn.softmax.2.table" in tables
    for op in distilled.ops:
        for name in ("mult", "shift", "table"):
            if name in op.ARRAYS and getattr(op, name) is not None:
                assert np.array_equal(tables.pop(f"{op.name}.{name}").numpy(), getattr(op, name))
    assert not tables
    described = json.loads(content["description"])
    zeros = [op["quantisation"]["zero_point"] for op in described["ops"]]
    assert zeros == [op.quantisation.zero_point for op in distilled.ops] and any(zeros)


def test_other_networks_are_refused(distilled):
    with pytest.raises(PointwiseError, match="The network small is no DeiT"):
        encode(replace(distilled, info={}))
