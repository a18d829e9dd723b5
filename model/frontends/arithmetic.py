"""Sums, products, quotients and powers, of tensors and of the statistics that a LayerNorm is written with."""

import math
from collections.abc import Sequence

import torch

from . import elementwise, moments
from .builder import Builder
from .elementwise import Operand
from .moments import Moment, Stage, over_tokens
from .symbol import Symbol

MOST_TERMS = 8
"""Of a sum over a dimension, each of which is an operator."""


def add(build: Builder, left: Stage, right: Stage, factor: float = 1.0) -> Symbol | Moment:
    """left + factor · right."""
    found = moments.plus(left, right) if factor == 1 else None
    found = moments.minus(left, right) if factor == -1 else found
    return found or elementwise.plus(build, _operand(build, left), _operand(build, right), factor)


def multiply(build: Builder, left: Stage, right: Stage) -> Symbol | Moment:
    """left · right."""
    found = moments.times(build, left, right)
    return found or elementwise.times(build, _operand(build, left), _operand(build, right))


def divide(build: Builder, left: Stage, right: Stage) -> Symbol | Moment:
    """left / right."""
    found = moments.divided(build, left, right)
    return found or elementwise.divided(build, _operand(build, left), _operand(build, right))


def power(build: Builder, x: Stage, exponent: float) -> Symbol | Moment:
    """x to the power of a number."""
    found = moments.power(x, exponent) if isinstance(x, Moment) else None
    return found or elementwise.apply(build, _symbol(build, x), lambda values: values**exponent)


def reciprocal(build: Builder, x: Stage) -> Symbol | Moment:
    """1 / x."""
    if isinstance(x, Moment) and x.kind == "deviation":
        return Moment("inverse", x.of, x.epsilon)
    return elementwise.apply(build, _symbol(build, x), torch.reciprocal)


def _operand(build: Builder, stage: Stage) -> Operand:
    return _symbol(build, stage) if isinstance(stage, Moment) else stage


def _symbol(build: Builder, x: Stage) -> Symbol:
    if isinstance(x, Symbol):
        return x
    raise build.refused(
        "takes statistics of a token that are no LayerNorm: mean, difference, mean square, root, quotient "
        "(RMSNorm takes off no mean)"
    )


def total(build: Builder, x: Symbol, axes: Sequence[int], keep: bool) -> Symbol:
    """The sum over dimensions: over one of tensors that were stacked along it, or over tokens.

    Raises:
        PointwiseError: over all channels of a token.
    """
    chosen = sorted(axis % len(x.shape) for axis in axes)
    tokens = bool(chosen) and all(x.shape[axis] == 1 or over_tokens(build, x, axis) for axis in chosen)
    count = math.prod(x.shape[axis] for axis in chosen)
    if len(chosen) == 1 and (count == 1 or not tokens) and count <= MOST_TERMS:
        made = _of_terms(build, x, chosen[0])
        return made.moved(lambda places: places.unsqueeze(chosen[0])) if keep else made
    if not tokens or len(x.shape) < len(chosen) + 2:
        raise build.refused(f"adds up {count} elements of a tensor; that is not known")
    made = moments.mean(build, x, chosen, keep)
    assert isinstance(made, Symbol)
    return elementwise.affine(build, made, float(count), 0.0)


def _of_terms(build: Builder, x: Symbol, axis: int) -> Symbol:
    """The sum over a dimension, term by term."""
    parts = [Symbol(x.values, places, x.expression) for places in x.places.unbind(axis)]
    made = parts[0]
    for part in parts[1:]:
        made = elementwise.plus(build, made, part)
    return made
