"""Activations of fewer than 8 bits: the core's bytes hold so few values that fit the bits.

What a product makes goes through a table, which rounds it to them. A value that is also added to another one,
or averaged, keeps its 8 bits there: products read a copy of it, a diagonal with such a table behind it.
"""

from dataclasses import replace

import numpy as np

from pointwise.model.graph import Graph, Op
from pointwise.model.graph.clamps import CLAMPS
from pointwise.model.graph.functions import least
from pointwise.model.graph.ops import Activation, Conv2d, Linear, MaxPool, Slice

from .places import ACTIVATION_BITS, multiplied

COPY, NARROW = "copy", "narrow"
"""Endings of the names of what is put behind an operator."""


def narrowed(graph: Graph, bits: int) -> Graph:
    """The same network with so many bits in the functions' results that are multiplied with weights.

    Results of functions without a least value, and values that no function makes (LayerNorms, contexts of
    attention, products that are read as they are), keep 8 bits: tables alone round to fewer.
    """
    if bits == ACTIVATION_BITS:
        return graph
    made: list[Op] = []
    narrow: dict[str, str] = {}
    for op in graph.ops:
        if isinstance(op, Conv2d | Linear | MaxPool | Slice):
            op = replace(op, inputs=tuple(narrow.get(name, name) for name in op.inputs))
        if not isinstance(op, Activation) or not multiplied(graph, op.name) or least(op.function) is None:
            made.append(op)
        elif _of_product_alone(graph, op):
            made.append(replace(op, bits=bits))
        elif op.function in CLAMPS:
            # A clamp of what is clamped already changes nothing, so that the copy may have it again.
            copy, name = f"{op.name}.{COPY}", f"{op.name}.{NARROW}"
            channels = graph.values[op.name].channels
            made += [
                op,
                Linear(copy, (op.name,), weight=np.eye(channels), bias=np.zeros(channels)),
                Activation(name, (copy,), function=op.function, bits=bits),
            ]
            narrow[op.name] = name
        else:
            made.append(op)
    return replace(graph, ops=tuple(made))


def _of_product_alone(graph: Graph, op: Activation) -> bool:
    """Whether a product makes what a function reads, and products alone read what it makes."""
    source, readers = graph[op.inputs[0]], graph.readers[op.name]
    return (
        isinstance(source, Conv2d | Linear)
        and len(graph.readers[source.name]) == 1
        and all(isinstance(reader, Conv2d | Linear | MaxPool | Slice) for reader in readers)
    )
