"""What is done to each element: sums and products with constants, and functions of one number."""

from collections.abc import Callable

import torch
from torch import Tensor

from .builder import Builder
from .expression import Call, Numbers, applied, combined, scaled
from .settle import fold_early, settle
from .streams import add
from .symbol import Symbol

Operand = Symbol | Tensor | float | int


def apply(build: Builder, symbol: Symbol, function: Callable[[Tensor], Tensor]) -> Symbol:
    """A function of each element."""
    return Symbol(symbol.values, symbol.places, applied(function, symbol.expression, build.module))


def plus(build: Builder, left: Operand, right: Operand, factor: float = 1.0) -> Symbol:
    """left + factor · right, of which at least one is no constant."""
    if isinstance(left, Symbol) and isinstance(right, Symbol):
        right = right if factor == 1 else affine(build, right, factor, 0.0)
        if left.same_elements(right):
            return _combined(build, left, right, torch.add, linear=True)
        return add(build, left, right)
    if isinstance(left, Symbol):
        assert not isinstance(right, Symbol)
        return affine(build, left, 1.0, right * factor)
    assert isinstance(right, Symbol)
    return affine(build, right, factor, left)


def times(build: Builder, left: Operand, right: Operand) -> Symbol:
    """left · right, of which at least one is no constant."""
    if isinstance(left, Symbol) and isinstance(right, Symbol):
        if left.same_elements(right):
            return _combined(build, left, right, torch.mul)
        raise build.refused(
            "multiplies two tensors element by element, as gates do (SwiGLU, squeeze and excitation); the "
            "core has no such product"
        )
    symbol, other = (left, right) if isinstance(left, Symbol) else (right, left)
    assert isinstance(symbol, Symbol) and not isinstance(other, Symbol)
    return affine(build, symbol, other, 0.0)


def divided(build: Builder, left: Operand, right: Operand) -> Symbol:
    """left / right, of which at least one is no constant."""
    if isinstance(left, Symbol) and isinstance(right, Symbol):
        if left.same_elements(right):
            return _combined(build, left, right, torch.div)
        raise build.refused("divides two tensors element by element; the core has no such quotient")
    if isinstance(left, Symbol):
        assert not isinstance(right, Symbol)
        return affine(build, left, 1 / right, 0.0)
    assert isinstance(right, Symbol)
    return times(build, left, apply(build, right, torch.reciprocal))


def affine(build: Builder, symbol: Symbol, factor: Tensor | float, offset: Tensor | float) -> Symbol:
    """factor · symbol + offset, where constants are broadcast as PyTorch does."""
    shapes = (tuple(part.shape) if isinstance(part, Tensor) else () for part in (factor, offset))
    shape = torch.broadcast_shapes(symbol.shape, *shapes)
    if shape != symbol.shape:
        symbol = symbol.moved(lambda places: places.expand(shape))
    size = sum(tokens * channels for tokens, channels in (build.shapes[name] for name in symbol.values))
    several = any(isinstance(part, Tensor) and part.numel() > 1 for part in (factor, offset))
    if several and isinstance(symbol.expression, Call):
        settle(build, symbol, "scales")  # a function of one number is the same for all
        size = sum(tokens * channels for tokens, channels in (build.shapes[name] for name in symbol.values))
    parts = (_placed(build, part, symbol, size, rest) for part, rest in ((factor, 1.0), (offset, 0.0)))
    made = Symbol(symbol.values, symbol.places, scaled(symbol.expression, *parts))
    fold_early(build, made)
    return made


def _placed(build: Builder, part: Tensor | float, symbol: Symbol, size: int, rest: float) -> Numbers:
    """A constant by place: one number, or one for each element of the values underneath."""
    if not isinstance(part, Tensor):
        return float(part)
    if part.numel() == 1:
        return float(part)
    wanted = part.double().expand(symbol.shape).flatten()
    placed = torch.full((size,), rest, dtype=torch.float64)
    placed[symbol.places.flatten()] = wanted
    if not torch.equal(placed[symbol.places.flatten()], wanted):
        raise build.refused("does different things to copies of the same element; that is not known")
    return placed


def _combined(
    build: Builder,
    left: Symbol,
    right: Symbol,
    combine: Callable[[Tensor, Tensor], Tensor],
    linear: bool = False,
) -> Symbol:
    found = combined(combine, left.expression, right.expression, linear)
    if found is None:
        raise build.refused(
            "combines a tensor with itself after both were scaled or shifted by other numbers for each "
            "channel; that is not known"
        )
    return Symbol(left.values, left.places, found)


def batch_norm(
    build: Builder,
    x: Symbol,
    weight: Tensor | None,
    bias: Tensor | None,
    mean: Tensor,
    variance: Tensor,
    epsilon: float,
) -> Symbol:
    """A factor and an offset for each channel, which is the second dimension.

    Args:
        weight, bias: (channels,) or None for 1 and 0. mean, variance: (channels,).
    """
    factor = torch.rsqrt(variance.double() + epsilon) * (1.0 if weight is None else weight.double())
    offset = (0.0 if bias is None else bias.double()) - mean.double() * factor
    shape = (-1, *[1] * (x.places.dim() - 2))
    return affine(build, x, factor.reshape(shape), offset.reshape(shape))
