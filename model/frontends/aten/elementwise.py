"""What is done to each element."""

from collections.abc import Sequence
from typing import Any

from torch import Tensor

from pointwise.model.frontends import arithmetic, elementwise
from pointwise.model.frontends.builder import Builder
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
    return arithmetic.add(build, left, right, float(alpha))


@translates("sub", "subtract")
def sub(build: Builder, left: Stage, right: Stage, *, alpha: float = 1.0) -> Symbol | Moment:
    return arithmetic.add(build, left, right, -float(alpha))


@translates("rsub")
def rsub(build: Builder, left: Stage, right: Stage, alpha: float = 1.0) -> Symbol | Moment:
    return arithmetic.add(build, right, left, -float(alpha))


@translates("mul", "multiply")
def mul(build: Builder, left: Stage, right: Stage) -> Symbol | Moment:
    return arithmetic.multiply(build, left, right)


@translates("div", "divide", "true_divide")
def div(build: Builder, left: Stage, right: Stage, *, rounding_mode: str | None = None) -> Symbol | Moment:
    if rounding_mode is not None:
        raise build.refused("rounds a quotient; that is not known")
    return arithmetic.divide(build, left, right)


@translates("sum")
def total(build: Builder, x: Symbol, dim: Sequence[int] = (), keepdim: bool = False, **more: Any) -> Symbol:
    if not isinstance(x, Symbol):
        raise build.refused("adds up statistics of a token; that is not known")
    return arithmetic.total(build, x, dim, keepdim)


@translates("neg")
def neg(build: Builder, x: Symbol) -> Symbol:
    return elementwise.affine(build, x, -1.0, 0.0)


@translates("pow")
def power(build: Builder, x: Stage, exponent: float | Tensor) -> Symbol | Moment:
    return arithmetic.power(build, x, float(exponent))


@translates("sqrt")
def sqrt(build: Builder, x: Stage) -> Symbol | Moment:
    return arithmetic.power(build, x, 0.5)


@translates("rsqrt")
def rsqrt(build: Builder, x: Stage) -> Symbol | Moment:
    return arithmetic.power(build, x, -0.5)


@translates("reciprocal")
def reciprocal(build: Builder, x: Stage) -> Symbol | Moment:
    return arithmetic.reciprocal(build, x)
