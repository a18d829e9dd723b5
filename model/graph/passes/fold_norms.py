"""γ and β of every LayerNorm into the linear layers that read it: what is left is the normalisation alone."""

from collections.abc import Iterator
from dataclasses import replace

from ..graph import Graph
from ..op import Op
from ..ops import LayerNorm, Linear, Slice


def readers_by_token(graph: Graph, name: str) -> Iterator[Op]:
    """What reads a value, or some of its tokens."""
    for reader in graph.readers[name]:
        if isinstance(reader, Slice):
            yield from readers_by_token(graph, reader.name)
        else:
            yield reader


def fold_norms(graph: Graph) -> Graph:
    """The network with W·γ and b + W·β in place of W and b behind each LayerNorm, in real numbers.

    Raises:
        PointwiseError: something else than a linear layer reads a LayerNorm with γ or β.
    """
    changed: dict[str, Op] = {}
    for norm in graph.ops:
        if not isinstance(norm, LayerNorm) or (norm.weight is None and norm.bias is None):
            continue
        for reader in readers_by_token(graph, norm.name):
            if not isinstance(reader, Linear):
                raise norm.refused(
                    f"has a factor or an offset for each channel, which only linear layers can take up, but "
                    f"{reader.name}, a {type(reader).__name__}, reads it"
                )
            weight, bias = reader.weight, reader.bias
            if norm.bias is not None:
                bias = bias + weight @ norm.bias
            if norm.weight is not None:
                weight = weight * norm.weight
            changed[reader.name] = replace(reader, weight=weight, bias=bias)
        changed[norm.name] = replace(norm, weight=None, bias=None)
    return graph.changed(changed)
