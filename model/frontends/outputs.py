"""What a network returns, as the graph's result."""

from collections.abc import Sequence
from typing import Any

from pointwise.hw.contract.errors import PointwiseError

from .builder import Builder
from .products import chosen
from .rows import rows_of
from .settle import settle, stream
from .symbol import Symbol


def result(build: Builder, found: Sequence[Any], name: str) -> str:
    """The value that a network returns: rows of channels.

    Where that is something that is done on the way into a product, such as a LayerNorm, a linear layer copies
    it, so that the core stores it.

    Raises:
        PointwiseError: it returns several tensors, none that depends on its input, or no rows.
    """
    build.where = f"The network {name}"
    symbols = [one for one in found if isinstance(one, Symbol)]
    if len(found) != 1 or len(symbols) != 1:
        raise PointwiseError(
            f"The network {name} returns {len(found)} tensors, of which {len(symbols)} depend on its input, "
            "but one was expected; wrap it in a module that returns what is wanted."
        )
    settle(build, symbols[0], "returns")
    if len(symbols[0].shape) == 4 and rows_of(symbols[0], build.shapes) is None:
        raise build.refused(
            f"returns a picture with its channels in front ({', '.join(map(str, symbols[0].shape))}), but a "
            "row of channels for each pixel was expected; return x.flatten(2).transpose(1, 2)"
        )
    rows = build.rows(symbols[0], "returns")
    if not rows.whole:
        raise build.refused("returns some of the channels of a tensor; return all of them")
    return stream(build, chosen(build, rows))
