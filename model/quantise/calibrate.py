"""Calibration of any graph: run it in float32 and record every value that becomes an integer."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from pointwise.hw.contract.errors import PointwiseError
from pointwise.model.graph import Graph, Op, run_float
from pointwise.model.graph.ops import Activation, Add, Conv2d, LayerNorm, Linear, MatMul, MaxPool, MeanPool
from pointwise.model.graph.passes.fold_clamps import fold_clamps
from pointwise.model.graph.passes.fold_norms import readers_by_token

from .inputs import PIXELS, ROWS
from .patterns import AttentionPattern, attentions, byte_sums, streams
from .recipe import Recipe
from .recorder import Recorder, sample_every, sampled_rows
from .records import AttentionSample, Observations
from .window_moments import WindowRecord


def calibrate(
    graph: Graph,
    inputs: np.ndarray | Tensor,
    recipe: Recipe | None = None,
    batch: int = 16,
    progress: Callable[[int, int], None] | None = None,
    arrange: Callable[[np.ndarray], np.ndarray] | None = None,
) -> Observations:
    """Run a network of real numbers and return what was seen.

    Args:
        inputs: (B, tokens, channels) real, as the network takes them.
        recipe: tells range methods, granularity, and whose rounding wants second moments.
        batch: inputs at a time. progress: called with (inputs done, inputs in all) after each batch.
        arrange: makes (B, tokens, channels) of a batch of inputs of another form; a batch at a time, since
            patches of an image take more room than the image.

    Raises:
        PointwiseError: the inputs do not fit the network, a value is not finite, or the graph has a form that
            the quantiser does not know.
    """
    graph = fold_clamps(graph)
    given = torch.as_tensor(inputs, dtype=torch.float32)
    if arrange is None:
        _check_rows(graph, given)
    seen = Observations(grids=[np.empty(0, np.float32)])
    recorder = _GraphRecorder(graph, seen, recipe or Recipe())
    every = sample_every(len(given), graph.input.shape[0])
    with torch.inference_mode():
        for start in range(0, len(given), batch):
            part = given[start : start + batch]
            if arrange is not None:
                part = torch.as_tensor(arrange(part.numpy()), dtype=torch.float32)
            recorder.take(part, [index for index in range(len(part)) if (start + index) % every == 0])
            if progress:
                progress(seen.images, len(given))
    return seen


def _check_rows(graph: Graph, rows: Tensor) -> None:
    if rows.ndim == 3 and tuple(rows.shape[1:]) == tuple(graph.input.shape) and len(rows):
        return
    tokens, channels = graph.input.shape
    raise PointwiseError(
        f"The calibration inputs have the shape {tuple(rows.shape)}, but {graph.name} takes at least one as "
        f"(inputs, {tokens}, {channels}); choose inputs of that size."
    )


class _GraphRecorder(Recorder):
    def __init__(self, graph: Graph, seen: Observations, recipe: Recipe) -> None:
        super().__init__(seen, recipe)
        self.graph, self.streams, self.attentions = graph, streams(graph), attentions(graph)
        self.bytes = byte_sums(graph)
        self.in_attention = {
            op.name for one in self.attentions for head in one.heads for op in vars(head).values()
        }

    def take(self, rows: Tensor, sampled: list[int]) -> None:
        """Run and record some inputs; of those ``sampled`` queries, keys and values are kept."""
        made = run_float(self.graph, rows)
        values = {name: value.expand(len(rows), *value.shape[-2:]) for name, value in made.items()}
        self._input(rows)
        for op in self.graph.ops:
            made = values[op.name]
            if isinstance(op, LayerNorm):
                x = values[op.inputs[0]].double()
                self.norm(op.name, x, op.epsilon, op.layer, self._readers(op.name))
            elif isinstance(op, Activation):
                layer = self.graph[op.inputs[0]].layer
                self.activation(op.name, values[op.inputs[0]], made, layer, self._readers(op.name))
            elif op.name in self.streams:
                self._stream(op, made)
            elif isinstance(op, Conv2d | MaxPool | MeanPool) or op.name in self.bytes:
                if isinstance(op, Conv2d):
                    self._window(op, values[op.inputs[0]])
                readers = self._readers(op.name)
                self.record(op.name, made.flatten(0, 1), self.method(op.layer), self._share(op), readers)
            elif isinstance(op, Linear) and op.name not in self.in_attention:
                groups = self._share(op) if self._pictured(op.name) else None
                readers = self._readers(op.name)
                self.record(op.name, made.flatten(0, 1), self.method(op.layer), groups, readers)
        for pattern in self.attentions:
            self._attention(pattern, values, sampled)
        self.seen.images += len(rows)

    def _window(self, op: Conv2d, values: Tensor) -> None:
        """Record what lies under a kernel, where its weights are rounded by it."""
        if self.recipe[op.layer].rounding != "nearest" and WindowRecord.wanted(op):
            self.seen.windows.setdefault(op.name, WindowRecord(op)).update(values)

    def _share(self, op: Op) -> int | None:
        """Groups of a picture's channels with a range of their own: 1, or None for each channel."""
        return None if self.recipe[op.layer].granularity == "channel" else 1

    def _pictured(self, name: str) -> bool:
        """Whether the result of a linear layer is a picture, or a part of a sum of bytes: of one scale."""
        readers = self.graph.readers[name]
        return bool(self.graph[name].clamp) or any(
            isinstance(reader, Conv2d | MaxPool | MeanPool) or reader.name in self.bytes for reader in readers
        )

    def _readers(self, name: str) -> list[str]:
        """Layers whose weights multiply a value."""
        return [op.layer for op in readers_by_token(self.graph, name) if isinstance(op, Linear)]

    def _input(self, rows: Tensor) -> None:
        given = self.graph.input
        used = rows[:, given.zero_rows :]
        self.record(PIXELS, used.reshape(-1, 1), self.method(given.layer))
        self.record(ROWS, used.flatten(0, 1), groups=1, readers=self._readers(given.name))
        self.grid(0, used.numpy())

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

    def _attention(self, pattern: AttentionPattern, values: dict[str, Tensor], sampled: list[int]) -> None:
        layers, heads = pattern.layers, len(pattern.heads)
        for letter in "qkv":
            parts = [values[getattr(head, letter).name] for head in pattern.heads]
            self.part(layers[letter], torch.cat(parts, dim=-1).flatten(0, 1), layers[letter], heads)
        context = values[pattern.joined.name].flatten(0, 1)
        self.part(pattern.joined.name, context, layers["o"], heads, [layers["proj"]])
        q, k, v = (
            torch.stack([values[vars(head)[part].name][sampled] for head in pattern.heads], 1)
            for part in "qkv"
        )
        rows = sampled_rows(q.shape[-2])
        self.seen.attention.setdefault(layers["s"], AttentionSample()).add(q[:, :, rows], k, v)
