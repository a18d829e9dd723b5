"""``.pt`` of PyTorch: the integers under the names and in the shapes of the ordinary DeiT.

``torch.load`` gives three entries:

* ``model``: tensors of exactly the names and shapes of ``model.networks.expected_shapes``. Weights are int8
  and biases int32, in steps of the accumulator; the heads of q, k and v stand one below the other as they do
  in ``attn.qkv``, and hidden channels that are in groups in the order that they had before. ``pos_embed`` is
  int16 in steps of the residual stream, with the class tokens added, so that these are 0. γ and β of each
  LayerNorm are in the weights behind it; what is left of it is a factor, one over the step of each channel,
  and a shift of 0, both float32.
* ``requantise``: ``mult`` and ``shift`` of each product and ``table`` of each activation and softmax, all
  int32, by the name of the operator: ``blocks.0.attn.q.0.mult``, ``blocks.0.mlp.act.table`` (GELU),
  ``blocks.0.attn.softmax.0.table`` (exponentials of head 0).
* ``description``: JSON of everything else, as in an integer network's own file.
"""

import io

import numpy as np
import torch

from pointwise.hw.contract.errors import PointwiseError
from pointwise.model.graph import Graph
from pointwise.model.graph.ops import Activation, Constant, LayerNorm, Linear, MatMul, Softmax
from pointwise.model.integer.requantise import requantise
from pointwise.model.integer.rounding import INT16
from pointwise.model.models.deit import RESIDUAL
from pointwise.model.networks import DeiTConfig, expected_shapes
from pointwise.model.quantise.channel_groups import groups_of
from pointwise.model.quantise.description import describe

from .norms import norm_step

REQUANTISATION = {
    Activation: ("table",),
    Linear: ("mult", "shift"),
    MatMul: ("mult", "shift"),
    Softmax: ("table",),
}
"""Fields of operators that an ordinary DeiT has no place for."""


def encode(network: Graph) -> bytes:
    """The file.

    Raises:
        PointwiseError: the network is no DeiT.
    """
    content = {
        "model": vanilla(network),
        "requantise": _requantisation(network),
        "description": describe(network)[1],
    }
    buffer = io.BytesIO()
    torch.save(content, buffer)
    return buffer.getvalue()


def vanilla(network: Graph) -> dict[str, torch.Tensor]:
    """The tensors of an ordinary DeiT, in its order."""
    if "config" not in network.info:
        raise PointwiseError(
            f"The network {network.name} is no DeiT, so there is no ordinary DeiT's file to write it as; "
            "export it as numpy."
        )
    config = DeiTConfig.from_dict(network.info["config"])
    arrays: dict[str, np.ndarray] = {}
    for key, shape in expected_shapes(config).items():
        name, _, part = key.rpartition(".")
        if not name:
            arrays[key] = np.zeros(shape, np.int16)
        elif name in network and isinstance(norm := network[name], LayerNorm):
            arrays[key] = _gamma(norm, config) if part == "weight" else np.zeros(shape, np.float32)
        else:
            rows = [getattr(network[row], part) for row in _parts(name, config, network)]
            arrays[key] = _sorted(np.concatenate(rows), name, part, network).reshape(shape)
    arrays["pos_embed"] = _positions(network, config)
    return {key: torch.from_numpy(np.ascontiguousarray(array)) for key, array in arrays.items()}


def _sorted(array: np.ndarray, name: str, part: str, network: Graph) -> np.ndarray:
    """Rows, or columns of the layer behind, in the order that hidden channels had before they had groups."""
    block, _, last = name.rpartition(".")
    groups = groups_of(network).get(f"{block}.act")
    if groups is None or last not in ("fc1", "fc2"):
        return array
    place = np.argsort(np.concatenate(groups))
    if last == "fc1":
        return array[place]
    return array[:, place] if part == "weight" else array


def _parts(name: str, config: DeiTConfig, network: Graph) -> list[str]:
    """The operators whose rows make up the linear layer ``name``."""
    if name == "patch_embed.proj":
        return ["patch_embed"]
    block, _, last = name.rpartition(".")
    if last == "fc1" and name not in network:
        return [f"{name}.{index}" for index in range(len(groups_of(network)[f"{block}.act"]))]
    if last != "qkv":
        return [name]
    return [f"{block}.{letter}.{head}" for letter in "qkv" for head in range(config.heads)]


def _gamma(norm: LayerNorm, config: DeiTConfig) -> np.ndarray:
    """γ of a LayerNorm: from x̂ to the integers that enter the array."""
    shift = np.zeros(config.dim) if norm.channel_shift is None else norm.channel_shift.astype(np.float64)
    return (1 / (norm_step(norm.constants, config.dim) * 2.0**shift)).astype(np.float32)


def _positions(network: Graph, config: DeiTConfig) -> np.ndarray:
    """What is added to class tokens of 0 and to the patches; the patch embedding runs over patches alone."""
    embed, added = network["patch_embed"], network[RESIDUAL]
    assert isinstance(embed, Linear) and isinstance(added, Constant)  # as in every DeiT
    positions = added.values.astype(np.int64)
    zeros = np.zeros((1, len(embed.bias)), np.int64)
    positions[: config.prefix_tokens] += requantise(zeros, embed.bias, embed.mult, embed.shift, INT16)
    return np.clip(positions, *INT16).astype(np.int16)[None]


def _requantisation(network: Graph) -> dict[str, torch.Tensor]:
    return {
        f"{op.name}.{field}": torch.from_numpy(np.asarray(getattr(op, field)).astype(np.int32))
        for op in network.ops
        for field in REQUANTISATION.get(type(op), ())
    }
