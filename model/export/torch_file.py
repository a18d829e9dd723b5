"""``.pt`` of PyTorch: the integers under the names and in the shapes of the ordinary DeiT.

``torch.load`` gives three entries:

* ``model``: tensors of exactly the names and shapes of ``model.networks.expected_shapes``. Weights are int8
  and biases int32, in steps of the accumulator; the heads of q, k and v stand one below the other as they do
  in ``attn.qkv``. ``pos_embed`` is int16 in steps of the residual stream, with the class tokens added, so
  that these are 0. γ and β of each LayerNorm are in the weights behind it; what is left of it is a factor,
  one over the step of each channel, and a shift of 0, both float32.
* ``requantise``: ``mult`` and ``shift`` of each integer layer, and its ``table`` and ``exp_table`` where it
  has one, all int32, by the name of the layer: ``blocks.0.attn.q.0.mult``.
* ``description``: JSON of everything else, as in an integer network's own file.
"""

import io

import numpy as np
import torch

from hw.contract.errors import PointwiseError
from model.integer.network import IntegerNetwork, Layer
from model.integer.requantise import requantise
from model.integer.rounding import INT16
from model.networks import DeiTConfig, expected_shapes
from model.quantise.io import describe

from .norms import norm_step


def encode(network: IntegerNetwork) -> bytes:
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


def vanilla(network: IntegerNetwork) -> dict[str, torch.Tensor]:
    """The tensors of an ordinary DeiT, in its order."""
    if "config" not in network.info:
        raise PointwiseError(
            f"The network {network.name} is no DeiT, so there is no ordinary DeiT's file to write it as; "
            "export it as numpy."
        )
    config = DeiTConfig.from_dict(network.info["config"])
    layers = {layer.name: layer for layer in network.layers}
    norms = _norms(network, config)
    arrays: dict[str, np.ndarray] = {}
    for key, shape in expected_shapes(config).items():
        name, _, part = key.rpartition(".")
        if not name:
            arrays[key] = np.zeros(shape, np.int16)
        elif name in norms:
            arrays[key] = norms[name] if part == "weight" else np.zeros(shape, np.float32)
        else:
            rows = [getattr(layers[row], part) for row in _parts(name, config)]
            arrays[key] = np.concatenate(rows).reshape(shape)
    arrays["pos_embed"] = _positions(network, layers["patch_embed"], config)
    return {key: torch.from_numpy(np.ascontiguousarray(array)) for key, array in arrays.items()}


def _parts(name: str, config: DeiTConfig) -> list[str]:
    """The integer layers whose rows make up the linear layer ``name``."""
    if name == "patch_embed.proj":
        return ["patch_embed"]
    block, _, last = name.rpartition(".")
    if last != "qkv":
        return [name]
    return [f"{block}.{letter}.{head}" for letter in "qkv" for head in range(config.heads)]


def _norms(network: IntegerNetwork, config: DeiTConfig) -> dict[str, np.ndarray]:
    """γ of each LayerNorm: from x̂ to the integers that enter the array."""
    readers = {"norm": "head"}
    for index in range(config.depth):
        block = f"blocks.{index}"
        readers |= {f"{block}.norm1": f"{block}.attn.q.0", f"{block}.norm2": f"{block}.mlp.fc1"}
    factors = {}
    constants = None
    names = {reader: norm for norm, reader in readers.items()}
    for layer in network.layers:
        if layer.name in names:
            step = norm_step(constants, config.dim) * 2.0 ** layer.channel_shift.astype(np.float64)
            factors[names[layer.name]] = (1 / step).astype(np.float32)
        constants = layer.norm or constants
    return factors


def _positions(network: IntegerNetwork, embed: Layer, config: DeiTConfig) -> np.ndarray:
    """What is added to class tokens of 0 and to the patches; the patch embedding runs over patches alone."""
    positions = network.residual_init.astype(np.int64)
    zeros = np.zeros((1, len(embed.bias)), np.int64)
    positions[: config.prefix_tokens] += requantise(zeros, embed.bias, embed.mult, embed.shift, INT16)
    return np.clip(positions, *INT16).astype(np.int16)[None]


def _requantisation(network: IntegerNetwork) -> dict[str, torch.Tensor]:
    names = ("mult", "shift", "table", "exp_table")
    return {
        f"{layer.name}.{name}": torch.from_numpy(np.asarray(getattr(layer, name)).astype(np.int32))
        for layer in network.layers
        for name in names
        if getattr(layer, name) is not None
    }
