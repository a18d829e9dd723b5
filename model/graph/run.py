"""Running a network: every operator's integer function, in order, or its reference in real numbers."""

from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, Any

import numpy as np

from .graph import Graph
from .op import Op
from .ops.input import Input

if TYPE_CHECKING:
    from torch import Tensor

Visitor = Callable[[Op, "list[Tensor]", "Tensor"], None]


def run(graph: Graph, image: np.ndarray, only: Collection[str] | None = None) -> dict[str, np.ndarray]:
    """Run one image, or several at once, through the integer model.

    Args:
        image: (tokens, channels) of the input's type, or (B, tokens, channels).
        only: names of the values that are wanted; others are forgotten when nothing reads them any more.

    Returns:
        Every operator's result by its name, int64, in the order of the operators; with the axis B in front
        where it depends on an image that has it.
    """
    given = np.asarray(image, np.int64)
    return run_with(graph, lambda op, inputs: given if isinstance(op, Input) else op.integer(*inputs), only)


def run_float(
    graph: Graph,
    image: "Tensor",
    only: Collection[str] | None = None,
    visit: Visitor | None = None,
) -> "dict[str, Tensor]":
    """Run one image, or several at once, through a network of real numbers.

    Args:
        image: (tokens, channels) or (B, tokens, channels); everything is computed in its type. only: as in
            ``run``.
        visit: called with each operator, what it reads and what it makes, before that is forgotten.
    """

    def compute(op: Op, inputs: "list[Tensor]") -> "Tensor":
        return op.reference(*inputs).to(image.dtype)

    def visited(op: Op, inputs: "list[Tensor]") -> "Tensor":
        made = image if isinstance(op, Input) else compute(op, inputs)
        if visit is not None:
            visit(op, inputs, made)
        return made

    return run_with(graph, visited, only)


def run_with(
    graph: Graph, compute: Callable[[Op, list[Any]], Any], only: Collection[str] | None = None
) -> dict[str, Any]:
    """Run a network by a function of one's own, in the order of its operators.

    Args:
        compute: makes an operator's result of what it reads; of an input, of nothing. only: as in ``run``.
    """
    last = {name: op.name for op in graph.ops for name in op.inputs}
    values: dict[str, Any] = {}
    for op in graph.ops:
        inputs = [values[name] for name in op.inputs]
        values[op.name] = compute(op, inputs)
        if only is not None:
            for name in dict.fromkeys(op.inputs):
                if last[name] == op.name and name not in only:
                    del values[name]
    return values if only is None else {name: values[name] for name in only}
