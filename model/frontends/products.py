"""Linear layers, and convolutions whose kernels lie side by side, which are such layers too."""

import numpy as np
import torch
from torch import Tensor

from pointwise.model.graph.ops import Concat, Linear

from .builder import RAW, Builder, vector
from .expression import Affine, Call
from .join import join_tokens
from .rows import Rows, origin, rows_of
from .settle import settle
from .symbol import Symbol
from .whole import flattened

READS = "reads"


def linear(build: Builder, symbol: Symbol, weight: Tensor, bias: Tensor | None, label: str) -> Symbol:
    """y = x · Wᵀ + b over the last dimension.

    Whatever was multiplied with and added to each channel before goes into the weights, and so does the order
    of the channels. Of values that stand side by side and are no heads of attention, each has a linear layer
    of its own, and their results are added.

    Args:
        weight: (N, K). bias: (N,) or None. label: the name that the operator would like.
    """
    if len(symbol.values) > 1:
        join_tokens(build, symbol)
    if isinstance(symbol.expression, Call):
        settle(build, symbol, READS)
    parts = _side_by_side(build, symbol)
    if len(parts) > 1:
        total = ""
        for part in parts:
            columns = narrowed(build, Symbol(symbol.values, symbol.places[..., part], symbol.expression))
            made = linear(build, columns, weight[:, part], None if total else bias, label).values[0]
            total = build.add_layer(total, made, label)
        return Symbol.of(total, (*symbol.shape[:-1], len(weight)))
    w = weight.double().numpy()
    b = np.zeros(len(w)) if bias is None else bias.double().numpy()
    if symbol.values == (RAW,):
        build.enter(symbol, READS)
    places, expression = symbol.places.reshape(-1, symbol.shape[-1]), symbol.expression
    assert isinstance(expression, Affine)
    factor, offset = (vector(part, places, w.shape[1]) for part in (expression.factor, expression.offset))
    if factor is None or offset is None:
        settle(build, symbol, READS)
    else:
        w, b = w * factor, b + w @ offset
    rows = rows_of(symbol, build.shapes)
    if rows is None:
        if (made := flattened(build, symbol, w, b, label)) is not None:
            return made
        rows = build.rows(symbol, READS)
    arranged = np.zeros((len(w), sum(rows.widths)))
    np.add.at(arranged.T, rows.columns, w.T)
    name = build.add(Linear("", (chosen(build, rows),), arranged, b), label)
    return Symbol.of(name, (*symbol.shape[:-1], len(w)))


def _side_by_side(build: Builder, symbol: Symbol) -> list[Tensor]:
    """The columns of each of several values that are no heads of attention; else all of them at once."""
    if len(symbol.values) > 1 and not all(build.is_context(name) for name in symbol.values):
        owners = origin(symbol, build.shapes, symbol.shape[-1]).value
        if (owners == owners[:1]).all():
            order = dict.fromkeys(owners[0].tolist())
            return [torch.from_numpy(np.flatnonzero(owners[0] == owner)) for owner in order]
    return [torch.arange(symbol.shape[-1])]


def narrowed(build: Builder, symbol: Symbol) -> Symbol:
    """A symbol of one of its values, whose elements are all that it has, without the others."""
    sizes = [build.shapes[name][0] * build.shapes[name][1] for name in symbol.values]
    ends = np.cumsum(sizes)
    index = int(np.searchsorted(ends, int(symbol.places.min()), side="right"))
    start = int(ends[index]) - sizes[index]
    expression = symbol.expression
    assert isinstance(expression, Affine)
    numbers = (
        part[start : start + sizes[index]] if isinstance(part, Tensor) else part
        for part in (expression.factor, expression.offset)
    )
    return Symbol((symbol.values[index],), symbol.places - start, Affine(*numbers))


def joined(build: Builder, symbol: Symbol) -> str:
    """Values side by side as one, whose channels are those of a symbol (…, tokens, C): a sum of copies."""
    label = f"{build.module}.joined".lstrip(".")
    return linear(build, symbol, torch.eye(symbol.shape[-1]), None, label).values[0]


def chosen(build: Builder, rows: Rows) -> str:
    """One value with the tokens of rows, in which all their channels stand side by side."""
    first, count = build.tokens(rows, READS)
    name = rows.values[0]
    if len(rows.values) > 1:
        name = build.add(Concat("", rows.values), f"{build.module or 'attention'}.context")
    if (first, count) != (0, build.shapes[name][0]):
        name = build.tokens_of(name, first, count)
    return name


def patches(build: Builder, symbol: Symbol, weight: Tensor, bias: Tensor | None, label: str) -> Symbol:
    """A convolution whose kernels lie side by side, which is a linear layer of patches.

    Args:
        symbol: (B, channels, *size). weight: (N, channels, *kernel), whose strides are as wide as it is.

    Returns:
        (B, N, *size of the grid).
    """
    kernel = weight.shape[2:]
    counts = [size // step for size, step in zip(symbol.shape[2:], kernel, strict=True)]
    split = [length for count, step in zip(counts, kernel, strict=True) for length in (count, step)]
    axes = len(kernel)

    def cut(places: Tensor) -> Tensor:
        for axis, (count, step) in enumerate(zip(counts, kernel, strict=True)):
            places = places.narrow(2 + axis, 0, count * step)
        cells = places.reshape(*places.shape[:2], *split)
        order = [0, *range(2, 2 + 2 * axes, 2), 1, *range(3, 2 + 2 * axes, 2)]
        return cells.permute(order).flatten(1 + axes)

    made = linear(build, symbol.moved(cut), weight.flatten(1), bias, label)
    return made.moved(lambda places: places.movedim(-1, 1))
