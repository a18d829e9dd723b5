"""Calibration: run a network of real numbers and record every value that becomes an integer.

Records have the names of the graph's operators, those of a stream that of its first value, those of an
activation's input that of the activation and ``.input``; ``PIXELS`` and ``ROWS`` (``inputs``) are of what
enters the network.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from pointwise.hw.contract.errors import PointwiseError
from pointwise.model.graph import Graph, Op, run_float
from pointwise.model.graph.ops import (
    Activation,
    Add,
    Conv2d,
    Input,
    LayerNorm,
    Linear,
    MatMul,
    MaxPool,
    MeanPool,
)
from pointwise.model.graph.passes.fold_clamps import fold_clamps
from pointwise.model.graph.passes.fold_norms import readers_by_token

from .inputs import PIXELS, ROWS
from .patterns import AttentionPattern, attentions, byte_sums, streams
from .recipe import Recipe
from .recorder import Recorder, sample_every, sampled_rows
from .statistics import AttentionSample, Statistics
from .window_moments import WindowRecord


def calibrate(
    graph: Graph,
    inputs: np.ndarray | Tensor,
    recipe: Recipe | None = None,
    batch: int = 16,
    progress: Callable[[int, int], None] | None = None,
    arrange: Callable[[np.ndarray], np.ndarray] | None = None,
    groups: int = 1,
) -> Statistics:
    """Run a network of real numbers and return what was seen.

    Args:
        inputs: (B, tokens, channels) real, as the network takes them.
        recipe: tells range methods, granularity, and whose rounding wants second moments. Values of 16 bits
            always keep their full range.
        batch: inputs at a time. progress: called with (inputs done, inputs in all) after each batch.
        arrange: makes (B, tokens, channels) of a batch of inputs of another form; a batch at a time, since
            patches of an image take more room than the image.
        groups: equal parts of the input's channels with a scale of their own, such as the colours of patches.

    Raises:
        PointwiseError: the inputs do not fit the network, a value is not finite, the batch is empty, or the
            graph has a form that the quantiser does not know.
    """
    if batch < 1:
        raise PointwiseError(f"The calibration batch is {batch}, but it must be at least 1.")
    graph = fold_clamps(graph)
    given = torch.as_tensor(inputs, dtype=torch.float32)
    if arrange is None:
        _check_rows(graph, given)
    statistics = Statistics(grids=[np.empty(0, np.float32)] * groups)
    recorder = _GraphRecorder(graph, statistics, recipe or Recipe())
    every = sample_every(len(given), graph.input.shape[0])
    with torch.inference_mode():
        for start in range(0, len(given), batch):
            part = given[start : start + batch]
            if arrange is not None:
                part = torch.as_tensor(arrange(part.numpy()), dtype=torch.float32)
            recorder.take(part, [index for index in range(len(part)) if (start + index) % every == 0])
            if progress:
                progress(statistics.images, len(given))
    return statistics


def _check_rows(graph: Graph, rows: Tensor) -> None:
    if rows.ndim == 3 and tuple(rows.shape[1:]) == tuple(graph.input.shape) and len(rows):
        return
    tokens, channels = graph.input.shape
    raise PointwiseError(
        f"The calibration inputs have the shape {tuple(rows.shape)}, but {graph.name} takes at least one as "
        f"(inputs, {tokens}, {channels}); choose inputs of that size."
    )


class _GraphRecorder(Recorder):
    """Records values by the places of their operators in a graph."""

    def __init__(self, graph: Graph, statistics: Statistics, recipe: Recipe) -> None:
        super().__init__(statistics, recipe)
        self.graph, self.streams = graph, streams(graph)
        # Once, and not for each batch.
        self.single = graph.changed(
            {
                op.name: replace(op, weight=op.weight.astype(np.float32), bias=op.bias.astype(np.float32))
                for op in graph.ops
                if isinstance(op, Conv2d | Linear)
            }
        )
        self.bytes = byte_sums(graph)
        self.attentions = {one.joined.name: one for one in attentions(graph)}
        self.operands = {
            op.name
            for one in self.attentions.values()
            for head in one.heads
            for op in (head.q, head.k, head.v)
        }
        self.held: dict[str, Tensor] = {}
        """Queries, keys and values of the attention that is under way."""

    def take(self, rows: Tensor, sampled: list[int]) -> None:
        """Run and record some inputs; of those ``sampled`` queries, keys and values are kept."""

        def visit(op: Op, inputs: list[Tensor], made: Tensor) -> None:
            # What depends on no input has no axis of inputs.
            given, result = (
                [value.expand(len(rows), *value.shape[-2:]) for value in values]
                for values in (inputs, [made])
            )
            self._visit(op, given, result[0], sampled)

        run_float(self.single, rows, (), visit)
        self.statistics.images += len(rows)

    def _visit(self, op: Op, inputs: list[Tensor], made: Tensor, sampled: list[int]) -> None:
        """Record what an operator makes, where it becomes integers of its own."""
        if op.name in self.operands:
            self.held[op.name] = made
        if isinstance(op, Input):
            self._input(made)
        elif isinstance(op, LayerNorm):
            self.norm(op.name, inputs[0].double(), op.epsilon, op.layer, self._readers(op.name))
        elif isinstance(op, Activation):
            layer = self.graph[op.inputs[0]].layer
            self.activation(op.name, inputs[0], made, layer, self._readers(op.name))
        elif op.name in self.streams:
            self._stream(op, made)
        else:
            if isinstance(op, Conv2d):
                self._window(op, inputs[0])
            if self._has_range(op):
                groups = self._share(op) if self._pictured(op) else None
                readers = self._readers(op.name)
                self.record(op.name, made.flatten(0, 1), self.method(op.layer), groups, readers)
        if op.name in self.attentions:
            self._attention(self.attentions[op.name], made, sampled)

    def _has_range(self, op: Op) -> bool:
        """Whether a value has bytes whose range is nobody else's: an activation decides of what it reads."""
        readers = self.graph.readers[op.name]
        if len(readers) == 1 and isinstance(readers[0], Activation):
            return False
        made = isinstance(op, Conv2d | Linear | MaxPool | MeanPool) or op.name in self.bytes
        return made and op.name not in self.operands

    def _window(self, op: Conv2d, values: Tensor) -> None:
        """Record what lies under a kernel, where its weights are rounded by it."""
        if self.recipe[op.layer].rounding != "nearest" and WindowRecord.wanted(op):
            self.statistics.windows.setdefault(op.name, WindowRecord(op)).update(values)

    def _share(self, op: Op) -> int | None:
        """Groups of a picture's channels with a range of their own: 1, or None for each channel."""
        return None if self.recipe[op.layer].granularity == "channel" else 1

    def _pictured(self, op: Op) -> bool:
        """Whether a value is a picture, or a part of a sum of bytes: of one scale, unless the recipe lets
        channels differ."""
        if not isinstance(op, Linear):
            return True
        return bool(op.clamp) or any(
            isinstance(reader, Conv2d | MaxPool | MeanPool) or reader.name in self.bytes
            for reader in self.graph.readers[op.name]
        )

    def _readers(self, name: str) -> list[str]:
        """Layers whose weights multiply a value."""
        return [op.layer for op in readers_by_token(self.graph, name) if isinstance(op, Linear)]

    def _input(self, rows: Tensor) -> None:
        given, groups = self.graph.input, len(self.statistics.grids)
        used = rows[:, given.zero_rows :]
        pixels = used.unflatten(-1, (groups, -1)).movedim(-2, -1).flatten(0, -2)
        self.record(PIXELS, pixels, self.method(given.layer))
        self.record(ROWS, used.flatten(0, 1), groups=1, readers=self._readers(given.name))
        for index in range(groups):
            self.grid(index, pixels[:, index].numpy())

    def _stream(self, op: Op, made: Tensor) -> None:
        """Record a value of 16 bits: of the network's result each product as if it were the whole."""
        leader = self.streams[op.name]
        products = [name for name in self._members(leader) if isinstance(self.graph[name], Linear | MatMul)]
        if leader == self.streams.get(self.graph.output):
            made = made * max(1, len(products))
        elif not isinstance(op, Add) and not self._normalised(op.name) and self._has_sums(leader):
            return
        self.record(leader, made.reshape(-1, 1))

    def _members(self, leader: str) -> list[str]:
        return [name for name, first in self.streams.items() if first == leader]

    def _has_sums(self, leader: str) -> bool:
        return any(isinstance(self.graph[name], Add) for name in self._members(leader))

    def _normalised(self, name: str) -> bool:
        return any(isinstance(reader, LayerNorm) for reader in self.graph.readers[name])

    def _attention(self, pattern: AttentionPattern, context: Tensor, sampled: list[int]) -> None:
        layers, heads = pattern.layers, len(pattern.heads)
        q, k, v = ([self.held.pop(getattr(head, letter).name) for head in pattern.heads] for letter in "qkv")
        for letter, parts in zip("qkv", (q, k, v), strict=True):
            self.part(layers[letter], torch.cat(parts, dim=-1).flatten(0, 1), layers[letter], heads)
        self.part(pattern.joined.name, context.flatten(0, 1), layers["o"], heads, [layers["proj"]])
        rows = sampled_rows(q[0].shape[-2])
        kept = (torch.stack([part[sampled] for part in parts], 1) for parts in (q, k, v))
        queries, keys, held = kept
        sample = self.statistics.attention.setdefault(layers["s"], AttentionSample())
        sample.add(queries[:, :, rows], keys, held)
