"""Where in a network training puts its quantisers: at the weights, and at what is multiplied by them."""

from collections.abc import Iterator
from dataclasses import dataclass

from pointwise.model.graph import Graph
from pointwise.model.graph.clamps import CLAMPS
from pointwise.model.graph.functions import least
from pointwise.model.graph.ops import Activation, Add, Conv2d, LayerNorm, Linear, MaxPool, MeanPool, Slice
from pointwise.model.graph.ops.linear import is_diagonal
from pointwise.model.quantise.patterns import attentions
from pointwise.model.quantise.recipe import Recipe

ACTIVATION_BITS = 8
"""What the core's activation memory holds."""


@dataclass(frozen=True)
class Place:
    """An activation that gets a quantiser.

    Attributes:
        name: of its operator. least: the smallest value, where its integers are unsigned.
        bits: of its integers.
    """

    name: str
    least: float | None
    bits: int = ACTIVATION_BITS


def weighted(graph: Graph) -> Iterator[Linear | Conv2d]:
    """The operators with weights that the array multiplies; those that copy a value have none to speak of."""
    for op in graph.ops:
        if isinstance(op, Conv2d) or (isinstance(op, Linear) and not _copies(op)):
            yield op


def _copies(op: Linear) -> bool:
    return op.weight is not None and is_diagonal(op.weight)


def edges(graph: Graph) -> set[str]:
    """The first and the last of them: those that read the input, and whose sum is the result."""
    found = {op.name for op in graph.readers[graph.input.name]}
    waiting = [graph.output]
    while waiting:
        op = graph[waiting.pop()]
        if isinstance(op, Add):
            waiting += op.inputs
        found.add(op.name)
    return found


def multiplied(graph: Graph, name: str) -> bool:
    """Whether weights are multiplied by a value, some of its tokens, or maxima of it."""
    return any(
        isinstance(reader, Linear | Conv2d)
        or (isinstance(reader, MaxPool | Slice) and multiplied(graph, reader.name))
        for reader in graph.readers[name]
    )


def places(graph: Graph) -> Iterator[Place]:
    """The activations that get a quantiser, in order: LayerNorms, contexts of attention, and functions.

    A function is an operator of its own, or the clamp of a product. Sums are left out: their step follows
    from what is added.
    """
    contexts = {pattern.joined.name for pattern in attentions(graph)}
    for op in graph.ops:
        if not multiplied(graph, op.name):
            continue
        if isinstance(op, LayerNorm) or op.name in contexts:
            yield Place(op.name, None)
        elif isinstance(op, Activation):
            yield Place(op.name, least(op.function), op.bits)
        elif isinstance(op, Linear | Conv2d) and op.clamp:
            yield Place(op.name, CLAMPS[op.clamp][0])


def calibrated_alike(graph: Graph, trained: set[str]) -> Recipe:
    """How activations are calibrated that no quantiser trains: with one step for all channels, since other
    steps would take the weights behind them off their grids.

    Args:
        trained: the activations that have one.
    """
    contexts = {pattern.joined.name: pattern.layers["o"] for pattern in attentions(graph)}
    layers: dict[str, dict[str, object]] = {}
    for op in graph.ops:
        if op.name in trained or not multiplied(graph, op.name):
            continue
        if isinstance(op, LayerNorm):
            layers[op.layer] = {"factors": "none"}
        elif op.name in contexts:
            layers[contexts[op.name]] = {"granularity": "tensor", "equalise": False}
        elif isinstance(op, Add | Conv2d | Linear | MeanPool):
            layers[op.layer] = {"granularity": "tensor"}
    return Recipe(layers=tuple(layers.items()))
