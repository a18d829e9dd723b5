"""Zeros around a picture as an operator of its own: what reads it may put them there itself."""

import numpy as np

from pointwise.model.graph.ops import Conv2d
from pointwise.model.graph.window import Window

from .builder import Builder
from .pictures import Padding, picture, picture_size
from .settle import settle
from .symbol import Symbol

PADS = "pads"
ALONE = (1, 1)
"""The kernel of a convolution that takes each pixel by itself."""


def padded(build: Builder, symbol: Symbol, padding: Padding) -> Symbol:
    """A picture (1, channels, height, width) with zeros around it, made by a convolution of single pixels.

    Args:
        padding: rows above, columns to the left, rows below, columns to the right.

    Raises:
        PointwiseError: the padding is less than nothing.
    """
    if min(padding) < 0:
        raise build.refused(f"cuts off rows or columns of a picture (padding {padding}); that is not known")
    found = picture(build, symbol, PADS)
    if found.offset.any():
        settle(build, symbol, PADS)
        found = picture(build, symbol, PADS)
    window, names = Window(picture_size(symbol), ALONE, padding=padding), []
    for name in found.names:
        width = build.shapes[name][1]
        op = Conv2d(
            "", (name,), window=window, groups=width, weight=np.ones((width, 1, 1, 1)), bias=np.zeros(width)
        )
        names.append(build.add(op, f"{build.module}.pad".lstrip(".")))
    return found.results(build, tuple(names), window.out_size)


def without_padding(build: Builder, name: str, window: Window) -> tuple[str, Window]:
    """What a window goes over: where ``padded`` made the value its source, with so much wider padding."""
    op = build.ops[name]
    if not isinstance(op, Conv2d) or op.window.kernel != ALONE or op.groups != len(op.weight):
        return name, window
    if op.window.stride != ALONE or not op.window.padded or (op.weight != 1).any() or op.bias.any():
        return name, window
    pairs = zip(window.padding, op.window.padding, strict=True)
    top, left, bottom, right = (one + other for one, other in pairs)
    around = (top, left, bottom, right)
    return op.inputs[0], Window(op.window.size, window.kernel, window.stride, around, window.dilation)
