"""A network with fewer of the blocks that it repeats, for questions that need not be asked of each."""

from dataclasses import fields, replace
from typing import Any

import numpy as np

from ..graph import Graph
from ..op import Op

KEPT = 2
"""Blocks that are left: one behind the other, as in the middle of the network."""
_NUMBERS = ("name", "inputs", "layer", "quantisation", "pad", "factor", "shift", "function", "constants")
"""Fields that blocks of one structure may differ in."""


def shorten(graph: Graph) -> tuple[Graph, dict[str, str]]:
    """The network with ``KEPT`` of the blocks of its longest repetition; as it is where nothing is repeated.

    Blocks are alike where their operators are, with shapes and with how far back they read. What the network
    computes is another function then.

    Returns:
        The network; and for each operator that is left out the one that stands for it.
    """
    place = {op.name: index for index, op in enumerate(graph.ops)}
    numbers: dict[Any, int] = {}
    kinds = [_kind(op, index, place) for op, index in _numbered(graph)]
    kinds = np.array([numbers.setdefault(kind, len(numbers)) for kind in kinds])
    first, length, times = _repetition(kinds)
    if times <= KEPT:
        return graph, {}
    begin, end = first + KEPT * length, first + times * length
    renamed = {
        op.name: graph.ops[begin - length + (index - begin) % length].name
        for op, index in _numbered(graph)
        if begin <= index < end
    }
    kept = (op for op, index in _numbered(graph) if not begin <= index < end)
    ops = tuple(replace(op, inputs=tuple(renamed.get(name, name) for name in op.inputs)) for op in kept)
    return replace(graph, ops=ops, output=renamed.get(graph.output, graph.output)), renamed


def _numbered(graph: Graph) -> list[tuple[Op, int]]:
    return [(op, index) for index, op in enumerate(graph.ops)]


def _kind(op: Op, index: int, place: dict[str, int]) -> tuple[Any, ...]:
    """What operators have to have in common to be alike."""
    parts: list[Any] = [type(op), *(index - place[name] for name in op.inputs)]
    for field in fields(op):
        value = getattr(op, field.name)
        if isinstance(value, np.ndarray):
            # Channel shifts of nothing are left out of the stream.
            parts.append((value.shape, value.ndim == 1 and bool(value.any())))
        elif field.name not in _NUMBERS:
            parts.append(value)
    return tuple(parts)


def _repetition(kinds: np.ndarray) -> tuple[int, int, int]:
    """First operator, length and number of the blocks that cover the most operators."""
    best, covered = (0, 1, 1), 0
    for length in range(1, len(kinds) // (KEPT + 1) + 1):
        alike = np.concatenate(([0], kinds[length:] == kinds[:-length], [0])).astype(np.int8)
        edges = np.flatnonzero(np.diff(alike))
        for first, end in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
            times = (end - first) // length + 1
            if times > KEPT and times * length > covered:
                best, covered = (first, length, times), times * length
    return best
