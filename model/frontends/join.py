"""Class tokens and registers: constant rows that are put in front of the patches."""

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from pointwise.model.graph.ops import (
    Activation,
    Add,
    Constant,
    Conv2d,
    Input,
    LayerNorm,
    Linear,
    MaxPool,
    MeanPool,
)
from pointwise.model.graph.window import Window

from .builder import Builder, weights
from .expression import Affine, Numbers
from .rows import Origin, origin, rows_of
from .symbol import Symbol

JOINED = Activation | Add | Conv2d | Linear | MaxPool | MeanPool
"""What makes tokens that others may be put in front of."""


def join_tokens(build: Builder, symbol: Symbol) -> None:
    """Make one value of rows of several: constants, and behind them the embedding of the input.

    The input gets rows of zeros in front. For them the embedding makes its bias, which is taken out of what
    is added: the constants, and what else was added to the rows, such as positions. Where the embedding is
    more than a linear layer, its result gets those rows. A symbol whose values stand side by side is left as
    it is.

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
        all(isinstance(build.ops[symbol.values[owner]], Constant) for owner in owners[:front])
        and (owners[front:] == owners[-1]).all()
        and np.array_equal(found.token[front:, 0], np.arange(build.shapes[name][0]))
        and np.array_equal(found.channel, np.broadcast_to(np.arange(width), found.channel.shape))
    )
    if isinstance(embed, LayerNorm | Input):
        # Done on the way into a product: one that copies it makes it a value.
        copy = Linear("", (name,), np.eye(width), np.zeros(width))
        name = build.add(copy, f"{build.label(name)}.copy")
        embed = build.ops[name]
    if not fits or not isinstance(embed, JOINED) or not isinstance(symbol.expression, Affine):
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
    start = offset
    start[:front] += factor[:front] * _constants(build, symbol, found, front)
    label = build.label(name)
    if isinstance(embed, Linear) and embed.inputs[0] in build.arrangements:
        weight, bias = weights(embed)
        weight, bias = weight * factor[front][:, None], bias * factor[front]
        start[:front] -= bias
        arrangement = build.arrangements[embed.inputs[0]]
        padded = build.input(replace(arrangement, zero_rows=front))
        op: Conv2d | Linear = replace(embed, inputs=(padded,), weight=weight, bias=bias)
    else:
        op = _behind_zeros(name, build.shapes[name][0], front, factor[front])
    made = build.add(op, label, build.layer(name))
    constant = build.constant(torch.from_numpy(start), f"{label}.start")
    total = build.add(Add("", (constant, made)), f"{label}.add")
    symbol.becomes(Symbol.of(total, tuple(symbol.shape)))


def _behind_zeros(name: str, tokens: int, front: int, factor: np.ndarray) -> Conv2d:
    """The tokens of a value times a factor for each channel, with so many rows of zeros in front: they are
    the padding of a convolution of single pixels."""
    window = Window((tokens, 1), (1, 1), padding=(front, 0, 0, 0))
    weight, bias = factor.reshape(-1, 1, 1, 1), np.zeros(len(factor))
    return Conv2d("", (name,), window=window, groups=len(factor), weight=weight, bias=bias)


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
