"""Making operators of what is still to happen to a symbol: folded weights, activations, constants."""

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from pointwise.model.graph.clamps import CLAMPS
from pointwise.model.graph.functions import NAMES
from pointwise.model.graph.ops import (
    Activation,
    Add,
    Constant,
    Conv2d,
    LayerNorm,
    Linear,
    MatMul,
    MaxPool,
    MeanPool,
)

from .builder import RAW, Builder, weights
from .expression import IDENTITY, Affine, Call, Numbers, recognised, straight
from .join import join_tokens
from .symbol import Symbol

STORED = Activation | Add | Constant | Conv2d | Linear | MatMul | MaxPool | MeanPool
"""What makes values that can be added or normalised; ``forms`` copies those that have another form then."""


def settle(build: Builder, symbol: Symbol, what: str, heads: bool = False) -> None:
    """Make operators of a symbol's expression; all who hold the symbol see it.

    Args:
        what: is done with it, for messages: "adds", "normalises".
        heads: its values are those of heads, and no rows one after the other.

    Raises:
        PointwiseError: the expression is no function that is known, or cannot be folded where it stands.
    """
    if symbol.values == (RAW,) and symbol.places.dim():
        _enter(build, symbol, what)
    if len(symbol.values) > 1 and not heads:
        join_tokens(build, symbol)
    if isinstance(symbol.expression, Call):
        _activate(build, symbol, symbol.expression, what, heads)
    expression = symbol.expression
    if isinstance(expression, Affine) and not expression.trivial:
        made, start = [], 0
        for name in symbol.values:
            shape = build.shapes[name]
            size = shape[0] * shape[1]
            used = torch.zeros(size, dtype=torch.bool)
            here = symbol.places[(symbol.places >= start) & (symbol.places < start + size)]
            used[here - start] = True
            parts = (_part(numbers, start, size) for numbers in (expression.factor, expression.offset))
            made.append(_folded(build, name, Affine(*parts), used.reshape(shape).numpy(), what))
            start += size
        symbol.becomes(Symbol(tuple(made), symbol.places))


def _enter(build: Builder, symbol: Symbol, what: str) -> None:
    """Make rows of the network's input: of its last dimension, or where it is a picture (1, channels, height,
    width) as it was given, of the channels of each pixel."""
    given = torch.arange(symbol.places.numel())
    if symbol.places.dim() != 4 or not torch.equal(symbol.places.flatten(), given):
        build.enter(symbol, what)
        return
    rows = symbol.moved(lambda places: places.movedim(1, -1))
    build.enter(rows, what)
    symbol.becomes(rows.moved(lambda places: places.movedim(-1, 1)))


def fold_early(build: Builder, symbol: Symbol) -> None:
    """Fold what was done to each channel into the layer that it was done to, where that is one.

    Written out, a function of x + b reads it more than once; what reads it should find the same x.
    """
    name, expression = symbol.values[0], symbol.expression
    layer = isinstance(build.ops.get(name), Conv2d | LayerNorm | Linear) or name in build.layers
    if len(symbol.values) > 1 or not layer or not isinstance(expression, Affine) or expression.uniform:
        return
    if symbol.places.numel() == np.prod(build.shapes[name]):
        used = np.ones(build.shapes[name], bool)
        if all(_by_channel(part, used, 0.0) is not None for part in (expression.factor, expression.offset)):
            settle(build, symbol, "scales")


def stream(build: Builder, name: str) -> str:
    """A value as one that can be added or normalised: itself, or a copy that a linear layer makes of it."""
    # What attention makes is multiplied once more before anything else becomes of it.
    as_is = isinstance(build.ops[name], STORED) and not build.is_context(name)
    return name if as_is else copied_as_is(build, name)


def copied_as_is(build: Builder, name: str) -> str:
    """A value again, as a linear layer makes it."""
    width = build.shapes[name][1]
    return copied(build, name, np.ones(width), np.zeros(width))


def copied(build: Builder, name: str, factor: np.ndarray, offset: np.ndarray) -> str:
    """A value, each channel of which is scaled and shifted, as a linear layer makes it."""
    return build.add(Linear("", (name,), np.diag(factor), offset), f"{build.label(name)}.copy")


def _activate(build: Builder, symbol: Symbol, call: Call, what: str, heads: bool) -> None:
    """Make an ``Activation`` of a function of one number."""
    line = straight(call.outer)
    if line is not None:
        symbol.expression = call.inner.then(line.factor, line.offset)
        return
    found = recognised(call) if call.inner.uniform else None
    symbol.expression = IDENTITY if found else call.inner
    settle(build, symbol, what, heads)
    found = found or recognised(call.outer)
    if found is None:
        raise build.refused(
            f"{what} a function of one number that is none of {', '.join(NAMES)}; give it a name in "
            "pointwise.model.graph.functions"
        )
    name, factor, offset = found
    label = f"{call.module}.{name}".lstrip(".")
    values = [_looked_up(build, value, name, label) for value in symbol.values]
    symbol.becomes(Symbol(tuple(values), symbol.places, Affine(factor, offset)))


def _looked_up(build: Builder, name: str, function: str, label: str) -> str:
    """A function of each element of a value.

    What attention makes is multiplied before, and what is done on the way into a product is copied. Of the
    maximum of a window a clamp is that of what it was taken of, which a product takes up.
    """
    op = build.ops[name]
    if isinstance(op, MaxPool) and function in CLAMPS:
        clamped = _looked_up(build, op.inputs[0], function, label)
        return build.add(replace(op, inputs=(clamped,)), build.label(name), build.layer(name))
    source = name if isinstance(op, STORED) and not build.is_context(name) else copied_as_is(build, name)
    return build.add(Activation("", (source,), function=function), label)


def _folded(build: Builder, name: str, affine: Affine, used: np.ndarray, what: str) -> str:
    """A value whose elements passed ``affine``, where they are used."""
    if affine.trivial:
        return name
    op = build.ops[name]
    factor = _by_channel(affine.factor, used, 1.0)
    offset = _by_channel(affine.offset, used, 0.0)
    if build.of_heads(name) and (offset is None or offset.any()):
        raise build.refused("adds to scores or results of the heads of attention; that is not known")
    if factor is None:
        raise build.refused(f"{what} a tensor that was multiplied by other numbers for each token")
    if offset is None:
        # Other numbers for each token, as of positions: a constant of its own.
        scaled = name if (factor == 1).all() else _folded(build, name, Affine(affine.factor), used, what)
        values = np.where(used, _whole(affine.offset, used.shape), 0.0)
        constant = build.constant(torch.from_numpy(values), f"{build.label(name)}.start")
        return build.add(Add("", (constant, stream(build, scaled))), f"{build.label(name)}.add")
    label, layer = build.label(name), build.layer(name)
    if isinstance(op, Conv2d | Linear):
        weight, bias = weights(op)
        weight, bias = (weight.T * factor).T, bias * factor + offset
        return build.add(replace(op, weight=weight, bias=bias), label, layer)
    if name in build.layers:
        left = _folded(build, op.inputs[0], affine, used, what)
        right = _folded(build, op.inputs[1], Affine(affine.factor), used, what)
        return build.add_layer(left, right, label.removesuffix(".add"))
    if isinstance(op, LayerNorm):
        weight = factor if op.weight is None else op.weight * factor
        bias = offset if op.bias is None else op.bias * factor + offset
        return build.add(replace(op, weight=weight, bias=bias), label, layer)
    if isinstance(op, MatMul) and not offset.any() and (factor == factor[0]).all():
        return build.add(replace(op, factor=op.factor * float(factor[0])), label, layer)
    if isinstance(op, MatMul) and not build.is_context(name):
        raise build.refused(f"{what} scores that were multiplied by other numbers each; that is not known")
    if isinstance(op, Add | Constant) and name not in build.pictures:
        if (factor == 1).all():
            values = np.broadcast_to(offset, used.shape).copy()
            constant = build.constant(torch.from_numpy(values), f"{label}.offset")
            return build.add(Add("", (constant, name)), f"{label}.add")
        if isinstance(op, Add) and all(isinstance(build.ops[part], Linear) for part in op.inputs):
            parts = (_folded(build, part, Affine(affine.factor), used, what) for part in op.inputs)
            total = build.add(Add("", tuple(parts)), label)
            return _folded(build, total, Affine(1.0, affine.offset), used, what)
    return copied(build, name, factor, offset)


def _part(numbers: Numbers, start: int, size: int) -> Numbers:
    return numbers[start : start + size] if isinstance(numbers, Tensor) else numbers


def _whole(numbers: Numbers, shape: tuple[int, ...]) -> np.ndarray:
    """Numbers of all elements of a value, (tokens, channels)."""
    if isinstance(numbers, Tensor):
        return numbers.reshape(shape).double().numpy()
    return np.full(shape, float(numbers))


def _by_channel(numbers: Numbers, used: np.ndarray, rest: float) -> np.ndarray | None:
    """Numbers as one for each channel, or None where tokens that are used differ."""
    whole = _whole(numbers, used.shape)
    found = np.where(used.any(axis=0), whole[used.argmax(axis=0), np.arange(used.shape[1])], rest)
    return found if np.array_equal(np.where(used, whole, found), np.broadcast_to(found, used.shape)) else None
