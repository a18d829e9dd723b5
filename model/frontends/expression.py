"""What happens to every element by itself: scales and offsets to be folded, and functions of one number.

Front ends meet a GELU in one operator or in eight. Here the eight become one expression of one variable,
which is recognised by its values, however it is spelled.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from pointwise.model.graph.functions import NAMES, function

Numbers = float | Tensor
"""One for all elements, or a flat float64 tensor with one for each element of the values underneath."""
PROBES = torch.linspace(-12, 12, 4801, dtype=torch.float64)
"""Where functions are compared; beyond, all that are known are straight lines or as good as constant."""
CLOSE = 1e-6
"""Part of its largest value by which a function may miss a known one: constants are written in few digits."""


@dataclass(frozen=True, eq=False)
class Affine:
    """factor · x + offset."""

    factor: Numbers = 1.0
    offset: Numbers = 0.0

    @property
    def trivial(self) -> bool:
        """It is x itself."""
        return isinstance(self.factor, float) and self.factor == 1 and _none(self.offset)

    @property
    def uniform(self) -> bool:
        """It is the same for all elements."""
        return not isinstance(self.factor, Tensor) and not isinstance(self.offset, Tensor)

    def __call__(self, x: Tensor) -> Tensor:
        return self.factor * x + self.offset

    def then(self, factor: Numbers, offset: Numbers) -> "Affine":
        """factor · (this) + offset."""
        return Affine(self.factor * factor, self.offset * factor + offset)


@dataclass(frozen=True, eq=False)
class Call:
    """A function of one number, made of operators.

    Attributes:
        inner: what the variable passes first. outer: the function of that.
        module: in which it was written.
    """

    inner: Affine
    outer: Callable[[Tensor], Tensor]
    module: str = ""

    def __call__(self, x: Tensor) -> Tensor:
        return self.outer(self.inner(x))


Expression = Affine | Call
IDENTITY = Affine()


def applied(apply: Callable[[Tensor], Tensor], expression: Expression, module: str = "") -> Call:
    """The function ``apply`` of an expression."""
    if isinstance(expression, Affine):
        return Call(expression, apply, module)
    outer = expression.outer
    return Call(expression.inner, lambda x: apply(outer(x)), module)


def scaled(expression: Expression, factor: Numbers, offset: Numbers) -> Expression:
    """factor · expression + offset."""
    if isinstance(expression, Affine):
        return expression.then(factor, offset)
    outer = expression.outer
    return Call(expression.inner, lambda x: factor * outer(x) + offset, expression.module)


def combined(
    combine: Callable[[Tensor, Tensor], Tensor], left: Expression, right: Expression, linear: bool
) -> Expression | None:
    """A sum, difference, product or quotient of two expressions of the same variable.

    Args:
        linear: it is a sum, and so of two affine ones an affine one.

    Returns:
        The expression, or None where they do different things to each channel first.
    """
    if isinstance(left, Affine) and isinstance(right, Affine) and linear:
        return Affine(left.factor + right.factor, left.offset + right.offset)
    module = next((one.module for one in (left, right) if isinstance(one, Call)), "")
    inner = _shared(left, right)
    if inner is not None:
        one, two = (part.outer if isinstance(part, Call) else _itself for part in (left, right))
        return Call(inner, lambda x: combine(one(x), two(x)), module)
    if not all(part.inner.uniform if isinstance(part, Call) else part.uniform for part in (left, right)):
        return None
    return Call(IDENTITY, lambda x: combine(left(x), right(x)), module)


def reordered(expression: Expression, places: Tensor) -> Expression:
    """The same of elements of which the first lies at the first of ``places`` now, and so on."""
    if isinstance(expression, Call):
        inner = reordered(expression.inner, places)
        assert isinstance(inner, Affine)
        return Call(inner, expression.outer, expression.module)
    parts = (expression.factor, expression.offset)
    return Affine(*(part[places] if isinstance(part, Tensor) else part for part in parts))


def _shared(left: Expression, right: Expression) -> Affine | None:
    """What both do to the variable first, if it is the same."""
    one, two = (part.inner if isinstance(part, Call) else part for part in (left, right))
    return one if one is two else None


def _itself(x: Tensor) -> Tensor:
    return x


def recognised(outer: Callable[[Tensor], Tensor]) -> tuple[str, float, float] | None:
    """The name of a function, the factor in front of it and what is added; None if none that is known."""
    found = outer(PROBES)
    if found.shape != PROBES.shape or not bool(torch.isfinite(found).all()):
        return None
    for name in NAMES:
        known = function(name)(PROBES)
        high, low = int(known.argmax()), int(known.argmin())
        factor = float((found[high] - found[low]) / (known[high] - known[low]))
        offset = float(found[high] - factor * known[high])
        close = CLOSE * float(found.abs().max())
        if factor != 0 and float((found - factor * known - offset).abs().max()) <= close:
            # What is a rounding error away from 1 or 0 is that.
            factor = 1.0 if abs(factor - 1) < CLOSE else factor
            return name, factor, 0.0 if abs(offset) <= close else offset
    return None


def straight(outer: Callable[[Tensor], Tensor]) -> Affine | None:
    """A function that is a straight line after all, as x − x / 2 is."""
    found = outer(PROBES)
    middle = len(PROBES) // 2
    slope, offset = float((found[-1] - found[0]) / (PROBES[-1] - PROBES[0])), float(found[middle])
    line = Affine(slope, offset)
    largest = float(found.abs().max())
    return line if float((line(PROBES) - found).abs().max()) <= CLOSE**2 * largest else None


def _none(numbers: Numbers) -> bool:
    return not isinstance(numbers, Tensor) and numbers == 0
