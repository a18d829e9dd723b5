"""LayerNorms of the same value: one for all, as the core keeps one set of statistics of a value."""

from dataclasses import replace

from pointwise.model.graph import Graph
from pointwise.model.graph.ops import LayerNorm
from pointwise.model.graph.passes import fold_norms


def share_norms(graph: Graph) -> Graph:
    """The same network in which a value is normalised once, though several layers have a LayerNorm of it.

    Their γ and β go into the weights that read them; what is left of each is the same.

    Raises:
        PointwiseError: something else than a linear layer reads one of them.
    """
    first: dict[tuple[str, float], str] = {}
    same: dict[str, str] = {}
    for op in graph.ops:
        if isinstance(op, LayerNorm):
            name = first.setdefault((op.inputs[0], op.epsilon), op.name)
            if name != op.name:
                same[op.name] = name
    if not same:
        return graph
    folded = fold_norms(graph)
    ops = (
        replace(op, inputs=tuple(same.get(name, name) for name in op.inputs))
        for op in folded.ops
        if op.name not in same
    )
    return replace(folded, ops=tuple(ops))
