"""``KernelNetwork``: a network of integers made ready to run fast, again and again."""

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from torch import Tensor

from pointwise.hw.contract.errors import PointwiseError
from pointwise.model.graph import Graph, Op
from pointwise.model.graph.ops import (
    Activation,
    Add,
    Concat,
    Constant,
    Conv2d,
    Input,
    LayerNorm,
    Linear,
    MatMul,
    MaxPool,
    MeanPool,
    Slice,
    Softmax,
)
from pointwise.model.graph.run import run_with
from pointwise.model.graph.value import FLOAT, Value
from pointwise.model.integer.convolution import gpu

from . import pictures, rows
from .requantisation import TYPES

KERNELS: dict[type[Op], Callable[[Any, list[Value], torch.device], rows.Kernel]] = {
    Activation: rows.activation,
    Add: rows.add,
    Concat: rows.concat,
    Constant: rows.constant,
    Conv2d: pictures.conv2d,
    LayerNorm: rows.layer_norm,
    Linear: rows.linear,
    MatMul: rows.matrix_product,
    MaxPool: pictures.max_pool,
    MeanPool: pictures.mean_pool,
    Slice: rows.rows_of,
    Softmax: rows.softmax,
}
"""What makes the kernel of an operator, of what it reads; others run as they are specified."""
TOKENS_AT_ONCE = 1024
"""About how many tokens go through a network together: enough for products, few enough for the cache."""


class KernelNetwork:
    """A network of integers, whose weights are laid out once for whatever computes with them.

    Args:
        graph: of integers. device: a GPU where torch has one, else the processor, unless given.

    Raises:
        PointwiseError: the network is one of real numbers, or does not fit together.
    """

    def __init__(self, graph: Graph, device: torch.device | str | None = None) -> None:
        self.graph = graph
        self.device = torch.device(device or gpu() or "cpu")
        values = graph.values
        if values[graph.output].dtype == FLOAT:
            raise PointwiseError(f"The network {graph.name} is one of real numbers; quantise it first.")
        self.kernels = {
            op.name: self._kernel(op, [values[name] for name in op.inputs])
            for op in graph.ops
            if not isinstance(op, Input)
        }

    def _kernel(self, op: Op, inputs: list[Value]) -> rows.Kernel:
        if type(op) in KERNELS:
            return KERNELS[type(op)](op, inputs, self.device)
        kind = TYPES[self.graph.values[op.name].dtype]

        def specified(*values: Tensor) -> Tensor:
            made = op.integer(*(value.to(torch.int64).cpu().numpy() for value in values))
            return torch.from_numpy(made).to(kind).to(self.device)

        return specified

    def run(self, images: np.ndarray, only: Collection[str] | None = None) -> dict[str, np.ndarray]:
        """What ``pointwise.model.graph.run`` returns for images (B, tokens, channels), on every bit.

        Args:
            images: integers of the input's type. only: names of the values that are wanted.
        """
        kind = TYPES[self.graph.input.dtype]
        given = torch.from_numpy(np.ascontiguousarray(images)).to(kind)
        at_once = max(1, TOKENS_AT_ONCE // given.shape[1])
        with torch.inference_mode(), exact():
            parts = [self._part(part.to(self.device), only) for part in given.split(at_once)]
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}

    def _part(self, images: Tensor, only: Collection[str] | None) -> dict[str, np.ndarray]:
        """Some images at once."""

        def compute(op: Op, inputs: list[Tensor]) -> Tensor:
            return images if isinstance(op, Input) else self.kernels[op.name](*inputs)

        made: dict[str, Tensor] = run_with(self.graph, compute, only)
        count = len(images)
        return {
            name: value.expand(count, -1, -1).to(torch.int64).cpu().numpy() for name, value in made.items()
        }


@lru_cache(maxsize=1)
def prepared(graph: Graph) -> KernelNetwork:
    """The network that was asked for last, as it was laid out then."""
    return KernelNetwork(graph)


@contextmanager
def exact() -> Iterator[None]:
    """Products in float32 keep their 24 bits: who uses torch may have allowed it to take fewer."""
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("highest")
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)
