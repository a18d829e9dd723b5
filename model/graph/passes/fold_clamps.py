"""ReLU and ReLU6 into the operator in front of them: in integers they cost nothing there."""

from dataclasses import replace

from ..clamps import CLAMPS
from ..graph import Graph
from ..op import Op
from ..ops import Activation, Add, Conv2d, Linear
from ..ops.activation import BITS


def fold_clamps(graph: Graph) -> Graph:
    """The network without the activations that a clamp of the operator in front of them can be.

    That is where the operator is a product or a sum that nothing else reads, and the result has all 8 bits:
    of fewer it is a table. Who read the activation reads the operator.
    """
    made: dict[str, Op] = {}
    renamed: dict[str, str] = {}
    for op in graph.ops:
        op = replace(op, inputs=tuple(renamed.get(name, name) for name in op.inputs))
        if isinstance(op, Activation) and op.function in CLAMPS and op.bits == BITS[-1]:
            source = made[op.inputs[0]]
            alone = len(graph.readers[graph[op.name].inputs[0]]) == 1
            if isinstance(source, Add | Conv2d | Linear) and not source.clamp and alone:
                made[source.name] = replace(source, clamp=op.function)
                renamed[op.name] = source.name
                continue
        made[op.name] = op
    if not renamed:
        return graph
    return replace(graph, ops=tuple(made.values()), output=renamed.get(graph.output, graph.output))
