"""Class tokens and registers: constant rows that are put in front of the patches."""

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from pointwise.model.graph.ops import Add, Constant, Linear

from .builder import Builder, weights
from .expression import Affine, Numbers
from .rows import Origin, origin, rows_of
from .symbol import Symbol


def join_tokens(build: Builder, symbol: Symbol) -> None:
    """Make one value of rows of several: constants, and behind them the embedding of the input.

    The input gets rows of zeros in front. For them the embedding makes its bias, which is taken out of what
    is added: the constants, and what else was added to the rows, such as positions. A symbol whose values
    stand side by side is left as it is.

    Raises:
        PointwiseError: other values follow each other.
    """
    if symbol.places.dim() == 4:
        pixels = symbol.moved(lambda places: places.movedim(1, -1))
        if rows_of(pixels, build.shapes) is not None:
            return
    found = origin(symbol, build.shapes, symbol.shape[-1])
    if not (found.value == found.value[:, :1]).all() or (found.value == found.value[:1]).all():
        return
    owners = found.value[:, 0]
    name = symbol.values[owners[-1]]
    embed, front = build.ops[name], int((owners != owners[-1]).sum())
    width = build.shapes[name][1]
    fits = (
        embed.inputs[:1]
        and embed.inputs[0] in build.arrangements
        and all(isinstance(build.ops[symbol.values[owner]], Constant) for owner in owners[:front])
        and (owners[front:] == owners[-1]).all()
        and np.array_equal(found.token[front:, 0], np.arange(build.shapes[name][0]))
        and np.array_equal(found.channel, np.broadcast_to(np.arange(width), found.channel.shape))
    )
    if not fits or not isinstance(embed, Linear) or not isinstance(symbol.expression, Affine):
        raise build.refused(
            "puts tokens one after the other that are not constants in front of the embedded input, as class "
            "tokens are; that is not known"
        )
    places = symbol.places.reshape(-1, width)
    factor, offset = (
        _at(numbers, places) for numbers in (symbol.expression.factor, symbol.expression.offset)
    )
    if not (factor[front:] == factor[front]).all():
        raise build.refused("multiplies tokens by other numbers each; that is not known")
    weight, bias = weights(embed)
    weight, bias = weight * factor[front][:, None], bias * factor[front]
    start = offset
    start[:front] += factor[:front] * _constants(build, symbol, found, front) - bias
    arrangement = build.arrangements[embed.inputs[0]]
    padded = build.input(replace(arrangement, zero_rows=front))
    label = build.label(name)
    made = build.add(replace(embed, inputs=(padded,), weight=weight, bias=bias), label, build.layer(name))
    constant = build.constant(torch.from_numpy(start), f"{label}.start")
    total = build.add(Add("", (constant, made)), f"{label}.add")
    symbol.becomes(Symbol.of(total, tuple(symbol.shape)))


def _constants(build: Builder, symbol: Symbol, found: Origin, front: int) -> np.ndarray:
    """The values of the first rows, (front, channels)."""
    rows = []
    for owner, token in zip(found.value[:front, 0], found.token[:front, 0], strict=True):
        constant = build.ops[symbol.values[owner]]
        assert isinstance(constant, Constant)
        rows.append(constant.values[token])
    return np.stack(rows)


def _at(numbers: Numbers, places: Tensor) -> np.ndarray:
    """Numbers at places, of their shape."""
    if isinstance(numbers, Tensor):
        return numbers[places].double().numpy()
    return np.full(tuple(places.shape), float(numbers))
