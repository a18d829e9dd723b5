"""A DeiT or ViT as a graph: from rows of pixels to logits, attention head by head."""

from collections.abc import Mapping

import numpy as np
from torch import Tensor

from pointwise.model.graph import Graph, Op
from pointwise.model.graph.ops import (
    Activation,
    Add,
    Concat,
    Constant,
    Input,
    LayerNorm,
    Linear,
    MatMul,
    Slice,
    Softmax,
)
from pointwise.model.graph.value import FLOAT
from pointwise.model.networks import DeiTConfig

INPUT, RESIDUAL, LOGITS = "image", "x", "logits"
"""Names of the input, of the residual stream's first value, and of the sum of two heads' logits."""


def deit_graph(config: DeiTConfig, state: Mapping[str, Tensor], name: str = "deit") -> Graph:
    """The network of real numbers.

    Its input are rows of pixels (``model.models.pixels``): rows of zeros for the class tokens, then a row for
    each patch. The result are the logits, of a distilled network the mean of its two heads.

    Args:
        state: the checkpoint's tensors, checked against ``config``.
    """
    return _Builder(config, {key: tensor.double().numpy() for key, tensor in state.items()}).graph(name)


class _Builder:
    def __init__(self, config: DeiTConfig, state: dict[str, np.ndarray]) -> None:
        self.config, self.state = config, state
        self.ops: list[Op] = []

    def graph(self, name: str) -> Graph:
        config = self.config
        shape = (config.tokens, config.patch_dim)
        self._add(Input(INPUT, shape=shape, zero_rows=config.prefix_tokens, dtype=FLOAT))
        self._add(Constant(RESIDUAL, values=self._start()))
        self._linear("patch_embed", INPUT, "patch_embed.proj")
        x = self._add(Add("patch_embed.add", (RESIDUAL, "patch_embed")))
        for index in range(config.depth):
            x = self._attention(f"blocks.{index}", x)
            x = self._mlp(f"blocks.{index}", x)
        output = self._heads(x)
        return Graph(name, tuple(self.ops), output)

    def _add(self, op: Op) -> str:
        self.ops.append(op)
        return op.name

    def _linear(self, name: str, source: str, module: str | None = None) -> str:
        """A linear layer with the weights of a module, the operator's namesake unless given."""
        weight, bias = (self.state[f"{module or name}.{part}"] for part in ("weight", "bias"))
        return self._add(Linear(name, (source,), weight.reshape(len(weight), -1), bias))

    def _norm(self, name: str, source: str) -> str:
        weight, bias = (self.state[f"{name}.{part}"] for part in ("weight", "bias"))
        return self._add(LayerNorm(name, (source,), epsilon=self.config.norm_eps, weight=weight, bias=bias))

    def _start(self) -> np.ndarray:
        """Position embeddings, and in the first rows the class tokens.

        The patch embedding adds its bias to those rows too, as their pixels are zeros: it is taken out here.
        """
        start = self.state["pos_embed"][0].copy()
        for row, token in enumerate(("cls_token", "dist_token")[: self.config.prefix_tokens]):
            start[row] += self.state[token][0, 0] - self.state["patch_embed.proj.bias"]
        return start

    def _attention(self, block: str, x: str) -> str:
        config, name = self.config, f"{block}.attn"
        norm = self._norm(f"{block}.norm1", x)
        weights, biases = (np.split(self.state[f"{name}.qkv.{part}"], 3) for part in ("weight", "bias"))
        contexts = []
        for head in range(config.heads):
            rows = slice(head * config.head_dim, (head + 1) * config.head_dim)
            for letter, weight, bias in zip("qkv", weights, biases, strict=True):
                layer = f"{name}.{letter}"
                self._add(Linear(f"{layer}.{head}", (norm,), weight[rows], bias[rows], layer=layer))
            q, k, v, scores, softmax, context = (
                f"{name}.{part}.{head}" for part in ("q", "k", "v", "s", "softmax", "o")
            )
            factor = config.head_dim**-0.5
            self._add(MatMul(scores, (q, k), transposed=True, factor=factor, layer=f"{name}.s"))
            self._add(Softmax(softmax, (scores,), layer=f"{name}.softmax"))
            contexts.append(self._add(MatMul(context, (softmax, v), layer=f"{name}.o")))
        self._linear(f"{name}.proj", self._add(Concat(f"{name}.context", tuple(contexts))))
        return self._add(Add(f"{name}.add", (x, f"{name}.proj")))

    def _mlp(self, block: str, x: str) -> str:
        name = f"{block}.mlp"
        hidden = self._linear(f"{name}.fc1", self._norm(f"{block}.norm2", x))
        self._linear(f"{name}.fc2", self._add(Activation(f"{name}.act", (hidden,), function="gelu")))
        return self._add(Add(f"{name}.add", (x, f"{name}.fc2")))

    def _heads(self, x: str) -> str:
        """The classifier of each prefix token; returns the name of the logits."""
        norm = self._norm("norm", x)
        heads = [*("head", "head_dist")[: self.config.prefix_tokens]]
        for token, name in enumerate(heads):
            chosen = self._add(Slice(f"{name}.token", (norm,), token, 1))
            weight, bias = (self.state[f"{name}.{part}"] / len(heads) for part in ("weight", "bias"))
            self._add(Linear(name, (chosen,), weight, bias))
        return self._add(Add(LOGITS, tuple(heads))) if len(heads) > 1 else heads[0]
