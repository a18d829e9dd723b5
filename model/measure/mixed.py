"""A network in which any choice of layers computes in integers and all others in float64.

With no integer layer it is the float network, under the names of the integer one's tensors. With all of
them it is the integer model, bit for bit. With one it shows what quantising that layer alone costs.
"""

import math
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from hw.contract.isa import Prologue, Stationary
from model.integer.convolution import convolve
from model.integer.layernorm import NormConstants, statistics, token_sums
from model.integer.network import IntegerNetwork, Layer, finish, prepare
from model.networks import DeiTConfig
from model.quantise.inputs import patchify

PART = re.compile(r"(?:(blocks\.\d+)\.)?(?:attn\.|mlp\.)?(\w+?)(?:\.(\d+))?")
"""Block, kind and head of a layer's name."""


def unit(name: str) -> str:
    """The layer's name without its head: ``blocks.0.attn.q`` of ``blocks.0.attn.q.1``."""
    return re.sub(r"\.\d+$", "", name)


@dataclass
class Tensors:
    """Real values at one point of a run.

    Attributes:
        values: (B, T, channels) float64 by tensor name; the network's input is (B, colours, S, S).
        constants: of the LayerNorm that reads the present residual stream.
        norms: what it makes of that, in float64 and in integers.
    """

    values: dict[str, np.ndarray]
    constants: NormConstants | None = None
    norms: dict[str, object] = field(default_factory=dict)

    def copy(self) -> "Tensors":
        """The same values, in which later steps of the copy do not show."""
        return Tensors(dict(self.values), self.constants, dict(self.norms))


class MixedNetwork:
    """Steps through the layers of an integer network, each in integers or in float64."""

    def __init__(self, network: IntegerNetwork, state: Mapping[str, Tensor], config: DeiTConfig) -> None:
        """Take an integer network, and the checkpoint and dimensions that it was made of."""
        self.network, self.config = network, config
        self._state = {name: tensor.double().numpy() for name, tensor in state.items()}
        self._makers = {layer.output: layer for layer in network.layers}

    def start(self, images: np.ndarray) -> Tensors:
        """Return the tensors in front of the first layer for normalised images (B, colours, S, S)."""
        return Tensors({self.network.input_name: np.asarray(images, np.float64)})

    def step(self, layer: Layer, tensors: Tensors, integer: bool) -> np.ndarray:
        """Run one layer, keep its result in ``tensors`` and return it, a residual layer's as the whole."""
        result = self._integer(layer, tensors) if integer else self._float(layer, tensors)
        tensors.values[layer.output] = result
        if layer.output == self.network.residual_name:
            tensors.constants = layer.norm
            tensors.norms.clear()
        return result

    def run(self, images: np.ndarray, integer: Collection[str] = ()) -> dict[str, np.ndarray]:
        """Return the real result of every layer by its name; those named in ``integer`` are integer."""
        tensors = self.start(images)
        layers = self.network.layers
        return {layer.name: self.step(layer, tensors, layer.name in integer) for layer in layers}

    # In float64 ------------------------------------------------------------------------------------------

    def _float(self, layer: Layer, tensors: Tensors) -> np.ndarray:
        values = tensors.values
        block, kind, head = PART.fullmatch(layer.name).groups()
        if kind == "patch_embed":
            return self._embed(values[self.network.input_name])
        inputs = [values[name] for name in layer.inputs]
        if kind in ("q", "k", "v"):
            both = self._linear(f"{block}.attn.qkv")
            weight, bias = (np.split(part, 3)["qkv".index(kind)] for part in both)
            rows = slice(int(head) * self.config.head_dim, (int(head) + 1) * self.config.head_dim)
            return self._norm(f"{block}.norm1", tensors) @ weight[rows].T + bias[rows]
        if kind == "s":
            # Softmax is the same without the part that the keys' centre adds to a whole row.
            keys = values[layer.stationary_input] - self._makers[layer.stationary_input].real_offset
            return inputs[0] @ np.swapaxes(keys, -1, -2) / math.sqrt(self.config.head_dim)
        if kind == "o":
            exponentials = np.exp(inputs[0] - inputs[0].max(axis=-1, keepdims=True))
            total = exponentials.sum(axis=-1, keepdims=True)
            return exponentials @ values[layer.stationary_input] / total
        if kind == "fc1":
            weight, bias = self._linear(f"{block}.mlp.fc1")
            hidden = self._norm(f"{block}.norm2", tensors) @ weight.T + bias
            return torch.nn.functional.gelu(torch.from_numpy(hidden)).numpy()
        if kind in ("proj", "fc2"):
            weight, bias = self._linear(layer.name)
            return values[layer.output] + np.concatenate(inputs, axis=-1) @ weight.T + bias
        weight, bias = self._linear(kind)
        token = slice(layer.first_token, layer.first_token + 1)
        result = self._norm("norm", tensors)[:, token] @ weight.T + bias
        result = result / (2 if self.config.distilled else 1)
        return values[layer.output] + result if layer.add else result

    def _linear(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        return self._state[f"{name}.weight"], self._state[f"{name}.bias"]

    def _norm(self, name: str, tensors: Tensors) -> np.ndarray:
        if "float" not in tensors.norms:
            x = tensors.values[self.network.residual_name]
            centred = x - x.mean(axis=-1, keepdims=True)
            deviation = np.sqrt((centred**2).mean(axis=-1, keepdims=True) + self.config.norm_eps)
            weight, bias = self._linear(name)
            tensors.norms["float"] = centred / deviation * weight + bias
        return tensors.norms["float"]

    def _embed(self, images: np.ndarray) -> np.ndarray:
        """The residual stream in front of the first block."""
        config = self.config
        grid = config.image_size // config.patch
        patches = images.reshape(-1, config.in_channels, grid, config.patch, grid, config.patch)
        patches = patches.transpose(0, 2, 4, 1, 3, 5).reshape(len(images), grid * grid, -1)
        weight, bias = self._linear("patch_embed.proj")
        x = np.broadcast_to(self._state["pos_embed"], (len(images), config.tokens, config.dim)).copy()
        x[:, config.prefix_tokens :] += patches @ weight.reshape(config.dim, -1).T + bias
        x[:, 0] += self._state["cls_token"][0, 0]
        if config.distilled:
            x[:, 1] += self._state["dist_token"][0, 0]
        return x

    # In integers -----------------------------------------------------------------------------------------

    def _integer(self, layer: Layer, tensors: Tensors) -> np.ndarray:
        network, values = self.network, tensors.values
        if layer.inputs[0] == network.input_name:
            image = patchify(network, values[network.input_name])
            return layer.real(finish(layer, convolve(image, layer.weight), image, network.residual_init))
        rows = slice(layer.first_token, layer.first_token + layer.count if layer.count else None)
        streamed = [self._rounded(name, values)[..., rows, :] for name in layer.inputs]
        streamed = np.concatenate(streamed, axis=-1)
        stats = row_max = None
        if layer.prologue == Prologue.NORMALISE:
            stats = tuple(part[..., rows] for part in self._statistics(tensors))
        elif layer.prologue == Prologue.EXPONENTIAL:
            row_max = streamed.max(axis=-1)
        entered = prepare(layer, streamed, stats, row_max)
        weight = layer.weight
        if layer.stationary != Stationary.STREAM:
            weight = self._rounded(layer.stationary_input, values)
            weight = np.swapaxes(weight, -1, -2) if layer.stationary == Stationary.VALUES else weight
        acc = convolve(entered, weight)
        if not layer.add:
            return layer.real(finish(layer, acc, entered, None))
        # What is added to keeps its real value: only this layer's own share is an integer.
        changed = slice(layer.output_token, layer.output_token + streamed.shape[-2])
        whole = values[layer.output].copy()
        whole[..., changed, :] = self._added(layer, acc, entered, whole[..., changed, :])
        return whole

    def _added(self, layer: Layer, acc: np.ndarray, entered: np.ndarray, old: np.ndarray) -> np.ndarray:
        """The real sum of ``old`` and the integers that a residual layer adds, saturated as it does."""
        base = layer.rounded(old)
        return old + layer.real(finish(layer, acc, entered, base) - base)

    def _rounded(self, name: str, values: dict[str, np.ndarray]) -> np.ndarray:
        return self._makers[name].rounded(values[name])

    def _statistics(self, tensors: Tensors) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """LayerNorm's statistics of the rounded residual stream."""
        if "integer" not in tensors.norms:
            residual = self._rounded(self.network.residual_name, tensors.values)
            tensors.norms["integer"] = statistics(*token_sums(residual), tensors.constants)
        return tensors.norms["integer"]
