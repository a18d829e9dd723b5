"""From operators to what the core does in one go.

Each product (``Linear``, ``MatMul``) becomes one ``EngineOp``. What stands in front of it (LayerNorm,
softmax, a choice of tokens, heads side by side) happens on the way into the array, and what follows (an
activation, a residual addition, the sums that a LayerNorm or softmax behind it needs) on the way out.
"""

from dataclasses import dataclass, field

from pointwise.hw.contract.errors import PointwiseError
from pointwise.model.graph import Graph, Op
from pointwise.model.graph.ops import (
    Activation,
    Add,
    Concat,
    Constant,
    Input,
    LayerNorm,
    Linear,
    MatMul,
    Slice,
    Softmax,
)

from .check import check_order
from .op import (
    Accumulate,
    Divide,
    EngineOp,
    Exponential,
    Keys,
    LookUp,
    Normalise,
    Plain,
    Requantise,
    RowMax,
    Stage,
    TokenSums,
    Values,
    Weights,
)


def fuse(graph: Graph) -> tuple[EngineOp, ...]:
    """The operations of the core that carry out ``graph``, in its order.

    Raises:
        PointwiseError: the graph is not sound, or the core has no way to do one of its operators there; the
            sentence names it.
    """
    graph.check()
    made = {op.name for op in graph.ops if isinstance(op, Input | Constant)}
    done = set(made)
    ops: list[EngineOp] = []
    for op in graph.ops:
        if isinstance(op, Linear | MatMul):
            ops.append(_product(graph, op, made))
            made.add(ops[-1].output)
            done.update(ops[-1].members)
    for op in graph.ops:
        if op.name not in done:
            raise PointwiseError(
                f"{type(op).__name__} {op.name} stands where the core cannot do it: it is done on the way "
                "into a product (LayerNorm, Softmax, Slice, Concat) or out of one that nothing else reads "
                "(Activation, Add)"
            )
    if graph.output not in made:
        raise PointwiseError(
            f"no product stores {graph.output}, the output of network {graph.name}; name the result of one"
        )
    check_order(graph, ops)
    return tuple(ops)


@dataclass
class _Streamed:
    """What enters the array, found by walking back from a product."""

    values: tuple[str, ...]
    first: int = 0
    tokens: int = 0
    prologue: Plain | Normalise | Exponential | None = None
    members: list[str] = field(default_factory=list)


def _product(graph: Graph, op: Linear | MatMul, made: set[str]) -> EngineOp:
    streamed = _streamed(graph, op)
    if isinstance(op, Linear):
        stationary = Weights(op.weight, op.weight_bits)
    else:
        stationary = (Keys if op.transposed else Values)(op.inputs[1])
    for name in (*streamed.values, *op.inputs[1:]):
        if name not in made:
            raise PointwiseError(
                f"{type(op).__name__} {op.name} reads {name}, a {type(graph[name]).__name__} whose result "
                "the core does not store"
            )
    stages, members, output = _epilogue(graph, op, made)
    source = graph.values[op.inputs[0]]
    return EngineOp(
        name=op.name,
        members=(*streamed.members, op.name, *members),
        streamed=streamed.values,
        first=streamed.first,
        tokens=source.tokens,
        prologue=streamed.prologue or Plain(graph.values[streamed.values[0]].dtype == "uint8"),
        stationary=stationary,
        epilogue=stages,
        output=output,
        quantisation=graph[output].quantisation,
        k=source.channels,
        n=graph.values[op.name].channels,
    )


def _streamed(graph: Graph, product: Op) -> _Streamed:
    """Walk back from a product over what the way into the array can do."""
    found = _Streamed((product.inputs[0],))
    sliced = False
    while True:
        op = graph[found.values[0]]
        if isinstance(op, Slice) and not sliced and not isinstance(found.prologue, Exponential):
            found.first, sliced = op.first, True
        elif isinstance(op, LayerNorm) and found.prologue is None:
            found.prologue = Normalise(op.channel_shift)
        elif isinstance(op, Softmax) and found.prologue is None and not sliced:
            found.prologue = Exponential(op.table)
        elif isinstance(op, Concat) and found.prologue is None:
            found.values = op.inputs
            found.members.append(op.name)
            return found
        else:
            return found
        found.members.append(op.name)
        found.values = op.inputs


def _epilogue(graph: Graph, op: Linear | MatMul, made: set[str]) -> tuple[tuple[Stage, ...], list[str], str]:
    """The stages behind a product, the operators that they do, and the value that comes out."""
    stages: list[Stage] = [Divide()] if isinstance(op, MatMul) and op.divide else []
    stages.append(Requantise(op.bias, op.mult, op.shift, op.dtype))
    members: list[str] = []
    output = op.name
    reader = _only_reader(graph, output)
    if isinstance(reader, Activation):
        stages.append(LookUp(reader.table, reader.dtype))
        output = reader.name
        members.append(output)
        reader = _only_reader(graph, output)
    if isinstance(reader, Add):
        left, right = reader.inputs
        other = right if left == output else left
        if other in made:
            stages.append(Accumulate(other))
            output = reader.name
            members.append(output)
    norms = [reader for reader in graph.readers[output] if isinstance(reader, LayerNorm)]
    if norms:
        if any(norm.constants != norms[0].constants for norm in norms):
            raise PointwiseError(
                f"LayerNorms {norms[0].name} and {norms[1].name} read {output} with different constants; the "
                "core keeps one set of statistics of a value"
            )
        stages.append(TokenSums(norms[0].constants))
    if any(isinstance(reader, Softmax) for reader in graph.readers[output]):
        stages.append(RowMax())
    return tuple(stages), members, output


def _only_reader(graph: Graph, name: str) -> Op | None:
    """The operator that alone reads a value, where it is not the network's result."""
    readers = graph.readers[name]
    return readers[0] if len(readers) == 1 and name != graph.output else None
