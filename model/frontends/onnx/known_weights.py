"""Weights that a file has in integers, which stay what they are."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from pointwise.model.frontends.builder import Builder
from pointwise.model.frontends.graph import GraphNetwork
from pointwise.model.graph import Quantisation
from pointwise.model.graph.ops import Concat, Conv2d, LayerNorm, Linear, Slice
from pointwise.model.integer.rounding import INT8
from pointwise.model.quantise.taken import CLOSE, GivenWeights
from pointwise.model.quantise.trained import WeightQuantisation

ON_GRID = 1e-4
"""How far from whole numbers weights may lie, in steps, that are integers times a scale in float32."""
NORMALISED = "takes in γ of the LayerNorm in front of it"
BY_CHANNEL = "takes in the scales of what it reads, which differ from channel to channel"
SCALED = "takes in what its inputs are multiplied by, which differs from channel to channel"
WIDE = "has a zero point, without which its integers leave ±127"


@dataclass(frozen=True)
class _Row:
    """A row of integers in the file: the largest, and which constant has it."""

    largest: int
    name: str


class KnownWeights:
    """Rows of dequantised weights, and the largest integer of each: what gives the same integers again."""

    def __init__(self) -> None:
        self._rows: dict[bytes, _Row] = {}
        self._primitive: dict[bytes, _Row] = {}
        self._said: dict[str, str] = {}

    def dequantised(
        self,
        build: Builder,
        name: str,
        integers: Tensor,
        scale: Tensor,
        zero: Tensor | None,
        axis: int,
        block: int,
    ) -> Tensor:
        """A constant in real numbers; what has 8 bits and no zero point is kept, biases have 32.

        Args:
            name: of the integers in the file, after which the result is called.

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
        build.names[id(real)] = name
        if integers.dtype != torch.int32 and integers.dim() > 1:
            kind, steps = str(integers.dtype).removeprefix("torch."), scale.numel()
            said = f"step {float(scale.flatten()[0]):.4g}" if steps == 1 else f"{steps} steps"
            self._said[name] = f"{kind}, {said}"
            self._keep(whole.numpy(), real.numpy(), name)
        return real

    def _keep(self, integers: np.ndarray, real: np.ndarray, name: str) -> None:
        """Weights (N, …) or (K, N)."""
        ways = [(integers, real), (integers.T, real.T)] if integers.ndim == 2 else [(integers, real)]
        for whole, parts in ways:
            rows = (each.reshape(len(each), -1) for each in (whole, parts))
            for row, numbers in zip(*rows, strict=True):
                found = _Row(int(np.abs(row).max()), name)
                self._rows[_key(numbers)] = found
                self._primitive.setdefault(_primitive(row), found)

    def of(
        self, build: Builder, network: GraphNetwork, activations: Mapping[str, Quantisation]
    ) -> tuple[dict[str, WeightQuantisation], tuple[GivenWeights, ...]]:
        """Of the layers all of whose rows are known, or lie on a grid of integers after all; and of all
        layers with weights of the file what they are there.

        Behind a LayerNorm weights take in its γ, and where its integers have another scale than in the file
        they are rounded anew. So they are where channels of what they read have scales of their own that the
        file does not say.

        Args:
            build: of the network. activations: integers that are those of the file, by operator.
        """
        found: dict[str, WeightQuantisation] = {}
        given: list[GivenWeights] = []
        # The layers of heads are parts of one.
        wholes = {part.name: part.whole for part in build.parts}
        called = {final: build.label(wholes.get(name, name)) for name, final in build.finished.items()}
        for op in network.graph.ops if self._said else ():
            if not isinstance(op, Conv2d | Linear):
                continue
            sources = [name for name in build.sources.get(called.get(op.name, ""), ()) if name in self._said]
            scale, reason = _scale_of(network, op, activations)
            rows: list[_Row | None] = []
            real = np.asarray(op.weight).reshape(len(np.asarray(op.weight)), -1)
            if scale is not None:
                real = real if np.ptp(scale) <= CLOSE * scale.max() else real * _spread(op, scale)
                rows = [self._of_row(row) for row in real]
                reason = _why(rows)
            names = list(dict.fromkeys(row.name for row in rows if row and row.name)) or sources
            if reason:
                given += [GivenWeights(name, self._said[name], op.name, None, reason) for name in names[:1]]
                continue
            largest = np.array([row.largest for row in rows if row is not None])
            found[op.name] = WeightQuantisation(8, largest)
            most = np.maximum(np.abs(real).max(axis=1), np.finfo(np.float64).tiny)
            integers = np.rint(real * (largest / most)[:, None]).astype(np.int8)
            integers = integers.reshape(np.asarray(op.weight).shape)
            given += [GivenWeights(name, self._said[name], op.name, integers, SCALED) for name in names[:1]]
        return found, tuple(given)

    def _of_row(self, row: np.ndarray) -> _Row | None:
        """What is known of a row, None where it lies on no grid."""
        known = self._rows.get(_key(row))
        most = np.abs(row).max()
        if known is not None or not most:
            return known or _Row(0, "")
        steps = (row / most) * np.arange(1, INT8[1] + 1)[:, None]
        apart = np.abs(steps - np.rint(steps)).max(axis=1)
        if not (apart < ON_GRID).any():
            return None
        least = int((apart < ON_GRID).argmax())
        return self._primitive.get(_primitive(np.rint(steps[least]).astype(np.int64)), _Row(least + 1, ""))


def _why(rows: Sequence[_Row | None]) -> str:
    """Why rows cannot stay as they are; empty where they can."""
    if any(row is None for row in rows):
        return SCALED
    return WIDE if any(row.largest > INT8[1] for row in rows if row) else ""


def _scale_of(
    network: GraphNetwork, op: Conv2d | Linear, activations: Mapping[str, Quantisation]
) -> tuple[np.ndarray | None, str]:
    """Scales of the channels that a layer reads, (K,), up to a factor; or why they are not known."""
    graph, source = network.graph, network.graph[op.inputs[0]]
    while isinstance(source, Slice):
        source = graph[source.inputs[0]]
    if isinstance(source, LayerNorm):
        # Its scales are those in front of γ, which the weights do not have yet.
        known = source.name in activations
        return (np.ones(1), "") if known else (None, NORMALISED)
    if isinstance(source, Concat):
        parts = [activations.get(name) for name in source.inputs]
        if None in parts:
            return None, BY_CHANNEL
        wide = zip(parts, source.inputs, strict=True)
        return np.concatenate(
            [np.broadcast_to(one.scale, graph.values[name].channels) for one, name in wide if one]
        ), ""
    if source.name not in activations:
        return np.ones(1), ""
    return np.broadcast_to(activations[source.name].scale, graph.values[source.name].channels), ""


def _spread(op: Conv2d | Linear, scale: np.ndarray) -> np.ndarray:
    """Scales of channels (K,) for the weights (N, K / groups · taps) that multiply them."""
    weight = np.asarray(op.weight)
    groups = op.groups if isinstance(op, Conv2d) else 1
    taps = int(np.prod(weight.shape[2:]))
    by_group = np.repeat(scale.reshape(groups, -1), taps, axis=1)
    return np.repeat(by_group, len(weight) // groups, axis=0)


def along(part: Tensor, whole: Tensor, axis: int) -> Tensor:
    """One number, or one for each place along an axis, such that it broadcasts."""
    if part.numel() == 1:
        return part.flatten()[0]
    return part.reshape([-1 if place == axis % whole.dim() else 1 for place in range(whole.dim())])


def _key(numbers: np.ndarray) -> bytes:
    """A row by its numbers, in the float32 that the file has."""
    return (np.ascontiguousarray(numbers, np.float32) + np.float32(0)).tobytes()


def _primitive(row: np.ndarray) -> bytes:
    """A row of integers without what divides all of them, as it is found again after it was multiplied."""
    return (row // max(1, int(np.gcd.reduce(row)))).astype(np.int16).tobytes()
