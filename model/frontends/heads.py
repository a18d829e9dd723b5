"""Attention as the quantiser and the compiler like it: head by head, with the scale in one place."""

import math
from collections.abc import Iterable
from dataclasses import replace

from pointwise.model.graph import Graph, Op
from pointwise.model.graph.ops import Linear, MatMul, Softmax


def head_by_head(ops: Iterable[Op]) -> list[Op]:
    """The operators in an order in which a head is done before the next begins.

    PyTorch takes the scores of all heads before the softmax of the first. Here queries, keys, values, scores
    and softmax of a head, which nothing else reads, come right before its context, so that little is kept.
    """
    by_name = {op.name: op for op in ops}
    readers: dict[str, int] = {}
    for op in by_name.values():
        for name in op.inputs:
            readers[name] = readers.get(name, 0) + 1
    chains: dict[str, list[Op]] = {}
    for op in by_name.values():
        softmax = by_name[op.inputs[0]] if isinstance(op, MatMul) else None
        if isinstance(softmax, Softmax) and isinstance(by_name[softmax.inputs[0]], MatMul):
            scores = by_name[softmax.inputs[0]]
            chain = [*(by_name[name] for name in (*scores.inputs, op.inputs[1])), scores, softmax]
            chains[op.name] = [
                one for one in chain if readers[one.name] == 1 and isinstance(one, Linear | MatMul | Softmax)
            ]
    later = {one.name for chain in chains.values() for one in chain}
    found: list[Op] = []
    for op in by_name.values():
        if op.name not in later:
            found += [*chains.get(op.name, []), op]
    return found


def scale_queries(graph: Graph) -> Graph:
    """The same network with softmax of q · kᵀ / √d alone, where q is a linear layer that nothing else reads.

    The core's scores have this factor; what it is in the network is a matter of spelling: queries may be
    scaled before the product, with their bias or without, or not at all.
    """
    changed: dict[str, Op] = {}
    for name, factor in query_factors(graph).items():
        query, scores = graph[name], graph.readers[name][0]
        assert isinstance(query, Linear) and isinstance(scores, MatMul)
        if factor != 1:
            changed[name] = replace(query, weight=query.weight * factor, bias=query.bias * factor)
        changed[scores.name] = replace(scores, factor=graph.values[name].channels ** -0.5)
    return graph.changed(changed)


def query_factors(graph: Graph) -> dict[str, float]:
    """Queries, each with the factor that makes that of its scores 1/√d; 1.0 where it is that already."""
    found: dict[str, float] = {}
    for softmax in graph.ops:
        scores = graph[softmax.inputs[0]] if isinstance(softmax, Softmax) else None
        if not isinstance(scores, MatMul) or not scores.transposed:
            continue
        query, usual = graph[scores.inputs[0]], graph.values[scores.inputs[0]].channels ** -0.5
        if isinstance(query, Linear) and len(graph.readers[query.name]) == 1:
            same = math.isclose(scores.factor, usual, rel_tol=1e-6)
            found[query.name] = 1.0 if same else scores.factor / usual
    return found
