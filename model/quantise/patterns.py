"""What the quantiser looks for in a graph: attention, and values that share the scale of a stream."""

import math
from dataclasses import dataclass
from functools import cached_property

from pointwise.hw.contract.errors import PointwiseError
from pointwise.model.graph import Graph, Op
from pointwise.model.graph.ops import (
    Add,
    Concat,
    Constant,
    Conv2d,
    LayerNorm,
    Linear,
    MatMul,
    MeanPool,
    Slice,
    Softmax,
)


@dataclass(frozen=True)
class Head:
    """One head of an attention: softmax(q · kᵀ) · v."""

    q: Linear
    k: Linear
    v: Linear
    scores: MatMul
    softmax: Softmax
    context: MatMul


@dataclass(frozen=True)
class AttentionPattern:
    """All heads of an attention, and the linear layer that reads them.

    Attributes:
        heads: in the order in which they stand side by side. joined: where they do, the projection's input.
        proj: the only reader of that.
    """

    heads: tuple[Head, ...]
    joined: Op
    proj: Linear

    @property
    def layers(self) -> dict[str, str]:
        """Names of the layers: of "q", "k", "v", "s" (scores), "o" (context) and "proj"."""
        head = self.heads[0]
        parts = {"q": head.q, "k": head.k, "v": head.v, "s": head.scores, "o": head.context}
        return {key: op.layer for key, op in parts.items()} | {"proj": self.proj.layer}

    @cached_property
    def channels(self) -> tuple[slice, ...]:
        """Channels of each head in the projection's input."""
        found, first = [], 0
        for head in self.heads:
            found.append(slice(first, first + len(head.v.weight)))
            first = found[-1].stop
        return tuple(found)


def attentions(graph: Graph) -> list[AttentionPattern]:
    """The attentions of a graph, in order.

    Raises:
        PointwiseError: a softmax that is no attention of linear layers; the sentence names it.
    """
    heads: dict[str, Head] = {}
    for op in graph.ops:
        if isinstance(op, Softmax):
            head = _head(graph, op)
            heads[head.context.name] = head
    found, done = [], set()
    for name in heads:
        if name in done:
            continue
        (joined,) = graph.readers[name]
        members = joined.inputs if isinstance(joined, Concat) else (name,)
        proj = graph.readers[joined.name] if isinstance(joined, Concat) else (joined,)
        if not set(members) <= heads.keys() or len(proj) != 1 or not isinstance(proj[0], Linear):
            raise joined.refused("stands behind attention, where a linear layer of its heads was expected")
        source = joined if isinstance(joined, Concat) else graph[name]
        found.append(AttentionPattern(tuple(heads[member] for member in members), source, proj[0]))
        done.update(members)
    return found


def _head(graph: Graph, softmax: Softmax) -> Head:
    scores, readers = graph[softmax.inputs[0]], graph.readers[softmax.name]
    context = readers[0] if len(readers) == 1 else None
    if isinstance(scores, MatMul) and scores.transposed and isinstance(context, MatMul):
        q, k, v = graph[scores.inputs[0]], graph[scores.inputs[1]], graph[context.inputs[1]]
        width = graph.values[scores.inputs[0]].channels
        if not math.isclose(scores.factor, width**-0.5, rel_tol=1e-6):
            raise scores.refused(
                f"scales scores by {scores.factor:.4g}, but 1/√{width} of its {width} channels was expected"
            )
        alone = all(len(graph.readers[op.name]) == 1 for op in (q, k, v, scores, context))
        alone = alone and not context.transposed
        if alone and isinstance(q, Linear) and isinstance(k, Linear) and isinstance(v, Linear):
            return Head(q, k, v, scores, softmax, context)
    raise softmax.refused("is no part of softmax(q · kᵀ) · v with linear q, k and v, which is what is known")


def sums_of_bytes(graph: Graph) -> set[str]:
    """Sums of 8 bits: what reads them, or one that they are added to, is no LayerNorm.

    A sum of the residual stream goes on into sums and LayerNorms alone; what products read directly are
    bytes, and so are all sums that such a sum is made of or goes into.
    """
    sums = [op for op in graph.ops if isinstance(op, Add)]
    beside: dict[str, set[str]] = {op.name: set() for op in sums}
    for op in sums:
        for name in op.inputs:
            if name in beside:
                beside[op.name].add(name)
                beside[name].add(op.name)
    waiting = [
        op.name
        for op in sums
        if any(not isinstance(reader, Add | LayerNorm | Slice) for reader in graph.readers[op.name])
    ]
    found: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += beside[name]
    return found


def byte_sums(graph: Graph) -> dict[str, str]:
    """The sums of 8 bits, each with the product that is made for it.

    Raises:
        PointwiseError: nothing that is added is a product that nothing else reads, which is what an addition
            of bytes is done with.
    """
    place = {op.name: index for index, op in enumerate(graph.ops)}
    of_bytes, found = sums_of_bytes(graph), {}
    for op in graph.ops:
        if op.name not in of_bytes:
            continue
        if any(isinstance(graph[name], Constant) for name in op.inputs):
            raise op.refused("is of 16 bits, which a linear layer reads through a LayerNorm only")
        fresh = [
            name
            for name in op.inputs
            if isinstance(graph[name], Linear | Conv2d) and graph.readers[name] == (op,)
        ]
        if not fresh:
            raise op.refused(
                f"adds {op.inputs[0]} and {op.inputs[1]}, neither of which is a product that nothing else "
                "reads; put a convolution in front of one"
            )
        found[op.name] = max(fresh, key=place.__getitem__)
    return found


def streams(graph: Graph) -> dict[str, str]:
    """Values of 16 bits, each with the first value of those whose scale it shares.

    They are what is added, what comes out of additions, constants, what a LayerNorm reads, and the result.
    """
    leader: dict[str, str] = {}
    bytes_alone = byte_sums(graph)

    def wide_sum(op: Op) -> bool:
        return isinstance(op, Add) and op.name not in bytes_alone

    def find(name: str) -> str:
        while leader[name] != name:
            name = leader[name]
        return name

    for op in graph.ops:
        wide = wide_sum(op) or isinstance(op, Constant) or op.name == graph.output
        readers = graph.readers[op.name]
        if wide or any(wide_sum(reader) or isinstance(reader, LayerNorm) for reader in readers):
            leader[op.name] = op.name
    for op in graph.ops:
        if wide_sum(op):
            first, *others = sorted((find(name) for name in (*op.inputs, op.name)), key=list(leader).index)
            for other in others:
                leader[other] = first
    found = {name: find(name) for name in leader}
    for name in found:
        if not isinstance(graph[name], Add | Constant | Conv2d | Linear | MatMul | MeanPool):
            raise PointwiseError(
                f"{type(graph[name]).__name__} {name} makes a value of the residual stream, which only sums, "
                "constants and products do"
            )
    return found
