"""The integer model of a network: every operator's integer function, in order."""

from collections.abc import Collection

import numpy as np

from .graph import Graph
from .ops.input import Input


def run(graph: Graph, image: np.ndarray, only: Collection[str] | None = None) -> dict[str, np.ndarray]:
    """Run one image, or several at once, through the integer model.

    Args:
        image: (tokens, channels) of the input's type, or (B, tokens, channels).
        only: names of the values that are wanted; others are forgotten when nothing reads them any more.

    Returns:
        Every operator's result by its name, int64, in the order of the operators; with the axis B in front
        where it depends on an image that has it.
    """
    last = {name: op.name for op in graph.ops for name in op.inputs}
    values: dict[str, np.ndarray] = {}
    for op in graph.ops:
        if isinstance(op, Input):
            values[op.name] = np.asarray(image, np.int64)
        else:
            values[op.name] = op.integer(*(values[name] for name in op.inputs))
        if only is not None:
            for name in dict.fromkeys(op.inputs):
                if last[name] == op.name and name not in only:
                    del values[name]
    return values if only is None else {name: values[name] for name in only}
