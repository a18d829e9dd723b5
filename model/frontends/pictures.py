"""Pictures: values whose tokens are pixels, and how a window goes over them."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch

from pointwise.model.graph.ops import Activation, Add, Conv2d, Linear, MaxPool, MeanPool
from pointwise.model.graph.window import Window

from .builder import Builder, vector
from .expression import Affine, Call
from .rows import stretch
from .settle import copied_as_is, settle
from .symbol import Symbol

BYTES = Activation | Add | Conv2d | Linear | MaxPool | MeanPool
"""What makes values that a window can go over."""
Pair = tuple[int, int]
Padding = tuple[int, int, int, int]


@dataclass(frozen=True)
class Picture:
    """Values whose tokens are the pixels of a picture, row by row.

    Attributes:
        names: of the values, side by side. size: height and width.
        columns: (C,) which of their channels the picture has, in its order.
        factor, offset: (C,) what is still to be done to each channel.
    """

    names: tuple[str, ...]
    size: Pair
    columns: np.ndarray
    factor: np.ndarray
    offset: np.ndarray

    def parts(self, build: Builder) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
        """Of each value its name, which of the picture's channels are its own, and where they are in it."""
        starts = np.cumsum([0, *(build.shapes[name][1] for name in self.names)])
        for name, start, end in zip(self.names, starts, starts[1:], strict=False):
            columns = np.flatnonzero((self.columns >= start) & (self.columns < end))
            yield name, columns, self.columns[columns] - start

    def results(self, build: Builder, names: tuple[str, ...], size: Pair) -> Symbol:
        """What was made of each value by itself, as (1, C, height, width), the rest still to be done.

        Args:
            names: of what was made, with the same channels. size: height and width of it.
        """
        tokens, widths = size[0] * size[1], [build.shapes[name][1] for name in names]
        owner = np.repeat(np.arange(len(names)), widths)[self.columns]
        inside = self.columns - np.cumsum([0, *widths])[owner]
        starts, width = tokens * np.cumsum([0, *widths])[owner], np.array(widths)[owner]
        places = torch.from_numpy(starts + np.arange(tokens)[:, None] * width + inside)
        made = Symbol(names, places.T.reshape(1, -1, *size))
        if (self.factor != 1).any() or self.offset.any():
            factor = torch.ones(tokens * sum(widths), dtype=torch.float64)
            offset = torch.zeros_like(factor)
            factor[places], offset[places] = map(torch.from_numpy, (self.factor, self.offset))
            made.expression = Affine(factor, offset)
        return made


@dataclass(frozen=True)
class Kernel:
    """How a window goes over a picture: down and to the right, padding as ``Window`` has it."""

    size: Pair
    stride: Pair = (1, 1)
    padding: Padding = (0, 0, 0, 0)
    dilation: Pair = (1, 1)

    def over(self, build: Builder, size: Pair) -> Window:
        """The window over a picture of a size.

        Raises:
            PointwiseError: it does not fit.
        """
        window = Window(size, self.size, self.stride, self.padding, self.dilation)
        if (fault := window.fault()) is not None:
            raise build.refused(fault)
        return window

    @property
    def patchwise(self) -> bool:
        """Kernels lie side by side, and nothing is around the picture."""
        sparse = any(gap != 1 for gap, taps in zip(self.dilation, self.size, strict=True) if taps > 1)
        return self.stride == self.size and not any(self.padding) and not sparse


def picture(build: Builder, symbol: Symbol, what: str) -> Picture:
    """A symbol (1, channels, height, width) as a picture that a window can go over.

    Args:
        what: is done with it, for messages.

    Raises:
        PointwiseError: its pixels lie in another order, or it is no picture.
    """
    if symbol.shape[0] != 1:
        raise build.refused(f"{what} {symbol.shape[0]} pictures at once; one is known")
    size = picture_size(symbol)
    rows = Symbol(symbol.values, symbol.places.movedim(1, -1), symbol.expression)
    found = pixels(build, rows, what)
    symbol.becomes(rows.moved(lambda places: places.movedim(-1, 1)))
    for name in found.names:
        build.pictures[name] = size
    return Picture(found.names, size, found.columns, found.factor, found.offset)


def pixels(build: Builder, symbol: Symbol, what: str) -> Picture:
    """A symbol (…, tokens, channels) as values of bytes with all these tokens in their order.

    Args:
        what: is done with it, for messages.

    Returns:
        A picture of one row, whatever its tokens are.

    Raises:
        PointwiseError: it is no rows of channels, or its tokens lie in another order.
    """
    channels = symbol.shape[-1]
    if isinstance(symbol.expression, Call) or by_channel(symbol) is None:
        settle(build, symbol, what)
    rows = build.rows(symbol, what)
    parts = by_channel(symbol)
    assert parts is not None
    span = stretch(rows.tokens)
    if span is None:
        raise build.refused(f"{what} pixels in another order than they have; that is not known")
    names = []
    for name in rows.values:
        if span != (0, build.shapes[name][0]):
            name = build.tokens_of(name, *span)
        names.append(name if isinstance(build.ops[name], BYTES) else copied_as_is(build, name))
    return Picture(tuple(names), (1, symbol.places.numel() // channels), rows.columns, *parts)


def by_channel(symbol: Symbol) -> tuple[np.ndarray, np.ndarray] | None:
    """Factor and offset of each channel of (…, tokens, C), (C,) each; None where tokens differ."""
    expression, channels = symbol.expression, symbol.shape[-1]
    assert isinstance(expression, Affine)
    places = symbol.places.reshape(-1, channels)
    factor, offset = (vector(part, places, channels) for part in (expression.factor, expression.offset))
    return None if factor is None or offset is None else (factor, offset)


def shaped(build: Builder, name: str, size: Pair) -> Symbol:
    """The whole of a value as a picture (1, channels, height, width)."""
    whole = Symbol.of(name, (1, *size, build.shapes[name][1]))
    return whole.moved(lambda places: places.movedim(-1, 1))


def picture_size(symbol: Symbol) -> Pair:
    """Height and width of (…, height, width)."""
    return (symbol.shape[-2], symbol.shape[-1])
