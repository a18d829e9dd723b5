"""LayerNorm that is written out: mean, difference, mean square, root, quotient."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from torch import Tensor

from .builder import Builder
from .pooling import mean_of_tokens
from .streams import layer_norm
from .symbol import Symbol


@dataclass(frozen=True, eq=False)
class Moment:
    """A stage on the way to a LayerNorm of ``of``.

    Attributes:
        kind: "mean", "centred" (less the mean), "square" of that, "variance", "deviation" (its root), or
            "inverse" (1 over that).
        epsilon: that was added to the variance.
    """

    kind: str
    of: Symbol
    epsilon: float = 0.0

    def _is(self, kind: str, other: object) -> bool:
        return isinstance(other, Moment) and other.kind == kind and other.of is self.of


Stage = Moment | Symbol | Tensor | float | int


def mean(build: Builder, x: Symbol | Moment, axes: Sequence[int], keep: bool) -> Moment | Symbol:
    """The mean over the last dimension, on the way to a LayerNorm; or that of all tokens, as pooling has it.

    Raises:
        PointwiseError: over others.
    """
    dimensions = (x.of if isinstance(x, Moment) else x).places.dim()
    last = [axis % dimensions for axis in axes] == [dimensions - 1]
    if isinstance(x, Symbol) and last and keep and not over_tokens(build, x, dimensions - 1):
        return Moment("mean", x)
    given = [axis % dimensions for axis in axes]
    if isinstance(x, Symbol) and given and dimensions > len(given) + 1:
        *rest, channels = (axis for axis in range(dimensions) if axis not in given)
        order, start = (*rest, *sorted(given), channels), len(rest)
        tokens = x.moved(lambda places: places.permute(order).flatten(start, -2))
        made, shape = mean_of_tokens(build, tokens), [*x.shape]
        for axis in given:
            shape[axis] = 1
        return made.moved(lambda places: places.reshape(shape)) if keep else made
    if isinstance(x, Moment) and x.kind == "square" and last and keep:
        return replace(x, kind="variance")
    raise build.refused("takes the mean over dimensions that are neither tokens nor the channels of each")


def over_tokens(build: Builder, x: Symbol, axis: int) -> bool:
    """Whether a dimension goes from token to token of one value, and not over the channels of each."""
    if len(x.values) != 1 or x.shape[axis] == 1:
        return False
    (name,) = x.values
    apart = x.places.select(axis, 1) - x.places.select(axis, 0)
    return not bool((apart % build.shapes[name][1]).any())


def variance(build: Builder, x: Symbol, axes: Sequence[int], keep: bool, correction: float) -> Moment:
    """The mean square of the difference from the mean over the last dimension."""
    if correction != 0:
        raise build.refused("takes a variance with a correction, which LayerNorm does not have")
    found = mean(build, x, axes, keep)
    if not isinstance(found, Moment):
        raise build.refused("takes a variance over tokens, which LayerNorm does not")
    return replace(found, kind="variance")


def minus(left: Stage, right: Stage) -> Moment | None:
    """x − mean(x)."""
    if isinstance(right, Moment) and right.kind == "mean" and left is right.of:
        return Moment("centred", right.of)
    return None


def plus(left: Stage, right: Stage) -> Moment | None:
    """variance + ε."""
    for one, other in ((left, right), (right, left)):
        if isinstance(one, Moment) and one.kind == "variance":
            if isinstance(other, Tensor) and other.numel() == 1:
                other = float(other)
            if isinstance(other, float | int):
                return replace(one, epsilon=one.epsilon + float(other))
    return None


def power(x: Moment, exponent: float) -> Moment | None:
    """The square of a difference; the root of a variance, or 1 over it."""
    stages = {("centred", 2.0): "square", ("variance", 0.5): "deviation", ("variance", -0.5): "inverse"}
    kind = stages.get((x.kind, float(exponent)))
    return replace(x, kind=kind) if kind else None


def times(build: Builder, left: Stage, right: Stage) -> Moment | Symbol | None:
    """The difference times itself, or times 1 over the deviation."""
    for one, other in ((left, right), (right, left)):
        if isinstance(one, Moment) and isinstance(other, Moment) and one.of is other.of:
            if one.kind == other.kind == "centred":
                return replace(one, kind="square")
            if (one.kind, other.kind) == ("centred", "inverse"):
                return _norm(build, other)
    return None


def divided(build: Builder, left: Stage, right: Stage) -> Symbol | None:
    """The difference over the deviation."""
    if not isinstance(left, Moment) or not isinstance(right, Moment) or left.of is not right.of:
        return None
    return _norm(build, right) if (left.kind, right.kind) == ("centred", "deviation") else None


def _norm(build: Builder, found: Moment) -> Symbol:
    return layer_norm(build, found.of, None, None, found.epsilon, build.module or "norm")
