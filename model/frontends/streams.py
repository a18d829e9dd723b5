"""Sums, LayerNorm, and tensors one behind the other."""

from collections.abc import Sequence

import torch
from torch import Tensor

from pointwise.model.graph.ops import Add, Input, LayerNorm

from .builder import RAW, Builder
from .expression import Affine
from .products import chosen, joined
from .rows import rows_of
from .settle import settle, stream
from .symbol import Symbol


def add(build: Builder, left: Symbol, right: Symbol) -> Symbol:
    """The sum of two tensors of the same shape that come from different values."""
    if left.shape != right.shape:
        raise build.refused(
            f"adds tensors of the shapes {tuple(left.shape)} and {tuple(right.shape)}; they must be the same"
        )
    names = []
    for symbol in (left, right):
        count = len(symbol.values)
        if count > 1 and all(build.of_heads(name) for name in symbol.values):
            raise build.refused("adds to scores or results of the heads of attention; that is not known")
        settle(build, symbol, "adds")
        single(build, symbol, "adds")
        names += [stream(build, name) for name in symbol.values[:1]]
    if not torch.equal(left.places, right.places):
        raise build.refused("adds tensors whose tokens and channels lie in other orders; that is not known")
    label = f"{build.module}.add".lstrip(".")
    return Symbol((build.add(Add("", tuple(names)), label),), left.places)


def single(build: Builder, symbol: Symbol, what: str) -> None:
    """Make a symbol that is the whole of one value."""
    name = symbol.values[0]
    tokens, channels = build.shapes[name]
    if len(symbol.values) == 1 and symbol.places.numel() == tokens * channels:
        return
    if symbol.places.dim() == 4 and rows_of(symbol, build.shapes) is None:
        last = symbol.moved(lambda places: places.movedim(1, -1))
        single(build, last, what)
        symbol.becomes(last.moved(lambda places: places.movedim(-1, 1)))
        return
    rows = build.rows(symbol, what)
    side_by_side = len(rows.values) > 1 and not all(build.is_context(one) for one in rows.values)
    if side_by_side or (not rows.whole and name in build.pictures):
        symbol.becomes(Symbol.of(joined(build, symbol), tuple(symbol.shape)))
        return
    if not rows.whole:
        raise build.refused(f"{what} some channels of {build.label(name)}; that is not known")
    symbol.becomes(Symbol.of(chosen(build, rows), tuple(symbol.shape)))


def layer_norm(
    build: Builder, symbol: Symbol, weight: Tensor | None, bias: Tensor | None, epsilon: float, label: str
) -> Symbol:
    """Each token brought to mean 0 and deviation 1 over the last dimension.

    Args:
        weight, bias: (H,) γ and β, or None for 1 and 0.
    """
    settle(build, symbol, "normalises")
    rows = build.rows(symbol, "normalises")
    if not rows.whole:
        raise build.refused("normalises some of the channels of a tensor; that is not known")
    if len(rows.values) > 1:
        single(build, symbol, "normalises")
    affine = (None if part is None else part.double().numpy() for part in (weight, bias))
    source = stream(build, symbol.values[0])
    name = build.add(LayerNorm("", (source,), None, None, epsilon, *affine), label)
    return Symbol((name,), symbol.places)


def concatenate(build: Builder, symbols: Sequence[Symbol | Tensor], axis: int) -> Symbol:
    """Tensors one behind the other; constants are values of their own."""
    found = [one if isinstance(one, Symbol) else constant(build, one) for one in symbols]
    starts: dict[str, int] = {}
    size = 0
    for symbol in found:
        if symbol.values == (RAW,) or not isinstance(symbol.expression, Affine):
            settle(build, symbol, "reads")
            if isinstance(build.ops[symbol.values[0]], Input):
                symbol.values = (stream(build, symbol.values[0]),)
        for name in symbol.values:
            if name not in starts:
                starts[name] = size
                size += build.shapes[name][0] * build.shapes[name][1]
    places, factor, offset = [], torch.ones(size).double(), torch.zeros(size).double()
    for symbol in found:
        counts = [build.shapes[name][0] * build.shapes[name][1] for name in symbol.values]
        there = torch.cat(
            [torch.arange(n) + starts[name] for name, n in zip(symbol.values, counts, strict=True)]
        )
        here = there[symbol.places]
        expression = symbol.expression
        assert isinstance(expression, Affine)
        for numbers, part in ((factor, expression.factor), (offset, expression.offset)):
            numbers[here] = part[symbol.places] if isinstance(part, Tensor) else part
        places.append(here)
    trivial = all(symbol.expression.trivial for symbol in found if isinstance(symbol.expression, Affine))
    expression = Affine() if trivial else Affine(factor, offset)
    return Symbol(tuple(starts), torch.cat(places, axis), expression)


def constant(build: Builder, values: Tensor) -> Symbol:
    """A tensor of numbers as a symbol: rows of its last dimension."""
    name = build.constant(values.reshape(-1, values.shape[-1]))
    return Symbol.of(name, tuple(values.shape))
