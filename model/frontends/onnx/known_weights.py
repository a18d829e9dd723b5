"""Weights that a file has in integers, which stay what they are."""

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from pointwise.model.frontends.builder import Builder
from pointwise.model.frontends.graph import GraphNetwork
from pointwise.model.graph.ops import Conv2d, LayerNorm, Linear, Slice
from pointwise.model.integer.rounding import INT8
from pointwise.model.quantise.trained import WeightQuantisation

ON_GRID = 1e-4
"""How far from whole numbers weights may lie, in steps, that are integers times a scale in float32."""


class KnownWeights:
    """Rows of dequantised weights, and the largest integer of each: what gives the same integers again."""

    def __init__(self) -> None:
        self.largest: dict[bytes, int] = {}

    def dequantised(
        self, build: Builder, integers: Tensor, scale: Tensor, zero: Tensor | None, axis: int, block: int
    ) -> Tensor:
        """A constant in real numbers; what has 8 bits and no zero point is kept, biases have 32.

        Raises:
            PointwiseError: it has scales for parts of a channel, or another type.
        """
        if block or (scale.numel() > 1 and scale.dim() != 1):
            raise build.refused("has scales for blocks of a channel; quantise weights per channel")
        offset = torch.zeros(1) if zero is None else zero
        if integers.dtype not in (torch.int8, torch.uint8, torch.int32):
            kind = str(integers.dtype).removeprefix("torch.")
            kind = "a type of real numbers or of 4 bits" if integers.is_floating_point() else kind
            raise build.refused(f"reads {kind}, but weights of int8 or uint8 were expected")
        whole = integers.to(torch.int64) - along(offset.to(torch.int64), integers, axis)
        real = whole.to(torch.float32) * along(scale.to(torch.float32), integers, axis)
        if integers.dtype != torch.int32 and integers.dim() > 1:
            self._keep(whole.numpy(), real.numpy())
        return real

    def _keep(self, integers: np.ndarray, real: np.ndarray) -> None:
        """Weights (N, …) or (K, N)."""
        ways = [(integers, real), (integers.T, real.T)] if integers.ndim == 2 else [(integers, real)]
        for whole, parts in ways:
            rows = (each.reshape(len(each), -1) for each in (whole, parts))
            for row, numbers in zip(*rows, strict=True):
                self.largest[_key(numbers)] = int(np.abs(row).max())

    def of(self, network: GraphNetwork, normed: Mapping[str, object]) -> dict[str, WeightQuantisation]:
        """Of the layers all of whose rows are known, or lie on a grid of integers after all.

        Behind a LayerNorm weights take in its γ, and where its integers have another scale than in the file
        they are rounded anew.

        Args:
            normed: by their names the LayerNorms whose integers are those of the file.
        """
        found: dict[str, WeightQuantisation] = {}
        for op in network.graph.ops if self.largest else ():
            if not isinstance(op, Conv2d | Linear):
                continue
            source = network.graph[op.inputs[0]]
            while isinstance(source, Slice):
                source = network.graph[source.inputs[0]]
            if isinstance(source, LayerNorm) and source.name not in normed:
                continue
            weight = np.asarray(op.weight)
            rows = [self._of_row(row) for row in weight.reshape(len(weight), -1)]
            if all(row is not None and row <= INT8[1] for row in rows):
                found[op.name] = WeightQuantisation(8, np.array(rows))
        return found

    def _of_row(self, row: np.ndarray) -> int | None:
        """The largest integer of a row, None where it lies on no grid."""
        known = self.largest.get(_key(row))
        most = np.abs(row).max()
        if known is not None or not most:
            return known or 0
        steps = (row / most) * np.arange(1, INT8[1] + 1)[:, None]
        apart = np.abs(steps - np.rint(steps)).max(axis=1)
        return int(apart.argmax() + 1) if (apart := apart < ON_GRID).any() else None


def along(part: Tensor, whole: Tensor, axis: int) -> Tensor:
    """One number, or one for each place along an axis, such that it broadcasts."""
    if part.numel() == 1:
        return part.flatten()[0]
    return part.reshape([-1 if place == axis % whole.dim() else 1 for place in range(whole.dim())])


def _key(numbers: np.ndarray) -> bytes:
    """A row by its numbers, in the float32 that the file has."""
    return (np.ascontiguousarray(numbers, np.float32) + np.float32(0)).tobytes()
