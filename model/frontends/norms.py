"""LayerNorms as the core does them: it keeps one set of statistics, of one value at a time."""

from dataclasses import replace

from pointwise.model.graph import Graph, Op
from pointwise.model.graph.ops import Activation, Add, LayerNorm, Linear, Slice
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


def read_in_time(graph: Graph) -> Graph:
    """The same network with what reads a LayerNorm done before statistics of another value take the place of
    its own, where that is possible: behind a LayerNorm of keys, say, queries are already there."""
    ops = list(graph.ops)
    while (late := _late(graph, ops)) is not None:
        reader, place = late
        chain = [reader]
        while not isinstance(chain[0], LayerNorm):
            chain.insert(0, graph[chain[0].inputs[0]])
        behind = [op for op in chain if op in ops[place:]]
        ops = [*ops[:place], *behind, *(op for op in ops[place:] if op not in behind)]
    return replace(graph, ops=tuple(ops))


def _late(graph: Graph, ops: list[Op]) -> tuple[Op, int] | None:
    """A linear layer that reads statistics which are no longer there, and the place of what took theirs."""
    place = {op.name: index for index, op in enumerate(ops)}
    makers = {_product(graph, op.inputs[0], place): op.inputs[0] for op in ops if isinstance(op, LayerNorm)}
    current, gone = "", dict[str, int]()
    for index, op in enumerate(ops):
        if op.name in makers:
            if current:
                gone[current] = index
            current = makers[op.name]
            gone.pop(current, None)
        elif isinstance(op, Linear) and (value := _normalised(graph, op)) in gone:
            return op, gone[value]
    return None


def _product(graph: Graph, name: str, place: dict[str, int]) -> str:
    """The product on whose way out a value is made: of what is added the last."""
    op = graph[name]
    if not isinstance(op, Activation | Add):
        return name
    return max((_product(graph, source, place) for source in op.inputs), key=place.__getitem__)


def _normalised(graph: Graph, op: Op) -> str:
    """The value that a linear layer normalises on its way in, or an empty name."""
    source = graph[op.inputs[0]]
    while isinstance(source, Slice):
        source = graph[source.inputs[0]]
    return source.inputs[0] if isinstance(source, LayerNorm) else ""
