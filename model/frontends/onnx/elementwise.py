"""What is done to each element."""

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor
from torch.nn import functional

from pointwise.model.frontends import arithmetic, elementwise
from pointwise.model.frontends.builder import Builder
from pointwise.model.frontends.moments import Moment, Stage
from pointwise.model.frontends.symbol import Symbol

from .registry import translates

FUNCTIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "Abs": torch.abs,
    "Erf": torch.erf,
    "Exp": torch.exp,
    "HardSwish": functional.hardswish,
    "Log": torch.log,
    "Mish": functional.mish,
    "Relu": torch.relu,
    "Sigmoid": torch.sigmoid,
    "Softplus": functional.softplus,
    "Softsign": functional.softsign,
    "Tanh": torch.tanh,
}
"""Functions of one number without parameters."""


def _plain(function: Callable[[Tensor], Tensor]) -> Callable[..., Symbol]:
    def translate(build: Builder, x: Symbol) -> Symbol:
        return elementwise.apply(build, x, function)

    return translate


for _name, _function in FUNCTIONS.items():
    translates(_name)(_plain(_function))


@translates("Gelu")
def gelu(build: Builder, x: Symbol, *, approximate: str = "none") -> Symbol:
    return elementwise.apply(build, x, partial(functional.gelu, approximate=approximate))


@translates("Swish")
def swish(build: Builder, x: Symbol, *, alpha: float = 1.0) -> Symbol:
    return elementwise.apply(build, x, lambda values: values * torch.sigmoid(alpha * values))


@translates("HardSigmoid")
def hard_sigmoid(build: Builder, x: Symbol, *, alpha: float = 0.2, beta: float = 0.5) -> Symbol:
    return elementwise.apply(build, x, lambda values: (alpha * values + beta).clamp(0, 1))


@translates("Elu")
def elu(build: Builder, x: Symbol, *, alpha: float = 1.0) -> Symbol:
    return elementwise.apply(build, x, partial(functional.elu, alpha=alpha))


@translates("LeakyRelu")
def leaky_relu(build: Builder, x: Symbol, *, alpha: float = 0.01) -> Symbol:
    return elementwise.apply(build, x, partial(functional.leaky_relu, negative_slope=alpha))


@translates("Clip")
def clip(build: Builder, x: Symbol, low: Tensor | None = None, high: Tensor | None = None) -> Symbol:
    least, most = (None if bound is None else float(bound) for bound in (low, high))
    return elementwise.apply(build, x, lambda values: values.clamp(least, most))


@translates("Add")
def add(build: Builder, left: Stage, right: Stage) -> Symbol | Moment:
    return arithmetic.add(build, left, right)


@translates("Sub")
def sub(build: Builder, left: Stage, right: Stage) -> Symbol | Moment:
    return arithmetic.add(build, left, right, -1.0)


@translates("Mul")
def mul(build: Builder, left: Stage, right: Stage) -> Symbol | Moment:
    return arithmetic.multiply(build, left, right)


@translates("Div")
def div(build: Builder, left: Stage, right: Stage) -> Symbol | Moment:
    return arithmetic.divide(build, left, right)


@translates("Neg")
def neg(build: Builder, x: Symbol) -> Symbol:
    return elementwise.affine(build, x, -1.0, 0.0)


@translates("Pow")
def power(build: Builder, x: Stage, exponent: Tensor) -> Symbol | Moment:
    if exponent.numel() != 1:
        raise build.refused("raises elements to powers that differ; that is not known")
    return arithmetic.power(build, x, float(exponent))


@translates("Sqrt")
def sqrt(build: Builder, x: Stage) -> Symbol | Moment:
    return arithmetic.power(build, x, 0.5)


@translates("Reciprocal")
def reciprocal(build: Builder, x: Stage) -> Symbol | Moment:
    return arithmetic.reciprocal(build, x)
