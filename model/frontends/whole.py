"""Linear layers of all pixels at once, as behind a flattened picture: a convolution over all of it."""

import numpy as np

from pointwise.model.graph.ops import Conv2d
from pointwise.model.graph.window import MOST_TAPS, Window

from .builder import Builder
from .rows import origin
from .symbol import Symbol


def flattened(
    build: Builder, symbol: Symbol, weight: np.ndarray, bias: np.ndarray, label: str
) -> Symbol | None:
    """y = x · Wᵀ + b where x is one row of channels of many tokens; None where it is something else.

    Args:
        symbol: of one value, with nothing left to be done to its elements. weight: (N, K). bias: (N,).

    Raises:
        PointwiseError: the tokens are more than a kernel covers.
    """
    if symbol.places.numel() != symbol.shape[-1] or len(symbol.values) != 1:
        return None
    name = symbol.values[0]
    tokens, channels = build.shapes[name]
    size = build.pictures.get(name) or _factors(tokens)
    if max(size) > MOST_TAPS:
        raise build.refused(
            f"reads {size[0]} by {size[1]} pixels at once; a kernel has at most {MOST_TAPS} by {MOST_TAPS}, "
            "so pool the picture first"
        )
    found = origin(symbol, build.shapes, symbol.shape[-1])
    kernel = np.zeros((len(weight), channels, tokens))
    np.add.at(kernel.transpose(1, 2, 0), (found.channel[0], found.token[0]), weight.T)
    window = Window(size, size)
    made = Conv2d("", (name,), window=window, weight=kernel.reshape(len(weight), channels, *size), bias=bias)
    return Symbol.of(build.add(made, label), (*symbol.shape[:-1], len(weight)))


def _factors(tokens: int) -> tuple[int, int]:
    """Height and width of so many tokens, as square as can be."""
    height = next(side for side in range(int(tokens**0.5), 0, -1) if tokens % side == 0)
    return height, tokens // height
