"""What is done to each element."""

from typing import Any

import torch
from torch import Tensor

from pointwise.model.frontends import elementwise, moments
from pointwise.model.frontends.builder import Builder
from pointwise.model.frontends.elementwise import Operand
from pointwise.model.frontends.moments import Moment, Stage
from pointwise.model.frontends.symbol import Symbol

from .registry import translates

FUNCTIONS = (
    *("gelu", "relu", "relu6", "silu", "sigmoid", "tanh", "erf", "exp", "hardswish", "hardsigmoid", "elu"),
    *("hardtanh", "leaky_relu", "softplus", "mish", "celu", "selu", "clamp", "clamp_min", "clamp_max", "abs"),
    *("log", "log1p", "expm1", "square", "log_sigmoid", "threshold", "sin", "cos", "atan"),
)
"""Functions of one number, of which those that ``model.graph.functions`` knows are found by their values."""


@translates(*FUNCTIONS)
def function(build: Builder, x: Symbol, *rest: Any, **more: Any) -> Symbol:
    operator = build.operator
    return elementwise.apply(build, x, lambda values: operator(values, *rest, **more))


@translates("add")
def add(build: Builder, left: Stage, right: Stage, *, alpha: float = 1.0) -> Symbol | Moment:
    found = moments.plus(left, right) if alpha == 1 else None
    return found or elementwise.plus(build, _operand(build, left), _operand(build, right), float(alpha))


@translates("sub", "subtract")
def sub(build: Builder, left: Stage, right: Stage, *, alpha: float = 1.0) -> Symbol | Moment:
    found = moments.minus(left, right) if alpha == 1 else None
    return found or elementwise.plus(build, _operand(build, left), _operand(build, right), -float(alpha))


@translates("rsub")
def rsub(build: Builder, left: Stage, right: Stage, alpha: float = 1.0) -> Symbol | Moment:
    return sub(build, right, left, alpha=alpha)


@translates("mul", "multiply")
def mul(build: Builder, left: Stage, right: Stage) -> Symbol | Moment:
    found = moments.times(build, left, right)
    return found or elementwise.times(build, _operand(build, left), _operand(build, right))


@translates("div", "divide", "true_divide")
def div(build: Builder, left: Stage, right: Stage, *, rounding_mode: str | None = None) -> Symbol:
    if rounding_mode is not None:
        raise build.refused("rounds a quotient; that is not known")
    found = moments.divided(build, left, right)
    return found or elementwise.divided(build, _operand(build, left), _operand(build, right))


@translates("neg")
def neg(build: Builder, x: Symbol) -> Symbol:
    return elementwise.affine(build, x, -1.0, 0.0)


@translates("pow")
def power(build: Builder, x: Stage, exponent: float | Tensor) -> Symbol | Moment:
    exponent = float(exponent)
    found = moments.power(x, exponent) if isinstance(x, Moment) else None
    return found or elementwise.apply(build, _symbol(build, x), lambda values: values**exponent)


@translates("sqrt")
def sqrt(build: Builder, x: Stage) -> Symbol | Moment:
    found = moments.power(x, 0.5) if isinstance(x, Moment) else None
    return found or elementwise.apply(build, _symbol(build, x), torch.sqrt)


@translates("rsqrt")
def rsqrt(build: Builder, x: Stage) -> Symbol | Moment:
    found = moments.power(x, -0.5) if isinstance(x, Moment) else None
    return found or elementwise.apply(build, _symbol(build, x), torch.rsqrt)


@translates("reciprocal")
def reciprocal(build: Builder, x: Symbol | Moment) -> Symbol | Moment:
    if isinstance(x, Moment) and x.kind == "deviation":
        return Moment("inverse", x.of, x.epsilon)
    return elementwise.apply(build, _symbol(build, x), torch.reciprocal)


def _operand(build: Builder, stage: Stage) -> Operand:
    return _symbol(build, stage) if isinstance(stage, Moment) else stage


def _symbol(build: Builder, x: Stage) -> Symbol:
    if isinstance(x, Symbol):
        return x
    raise build.refused(
        "takes statistics of a token that are no LayerNorm: mean, difference, mean square, root, quotient"
    )
