"""LayerNorm, batch normalisation, means, and sums over a dimension."""

from collections.abc import Sequence

from torch import Tensor

from pointwise.model.frontends import arithmetic, elementwise, moments, streams
from pointwise.model.frontends.builder import Builder
from pointwise.model.frontends.moments import Moment
from pointwise.model.frontends.symbol import Symbol

from .registry import translates


@translates("LayerNormalization")
def layer_norm(
    build: Builder,
    x: Symbol,
    weight: Tensor,
    bias: Tensor | None = None,
    *,
    axis: int = -1,
    epsilon: float = 1e-5,
    stash_type: int = 1,
) -> Symbol:
    if axis % len(x.shape) != len(x.shape) - 1:
        raise build.refused(
            "normalises over several dimensions at once; LayerNorm over the last one is known"
        )
    return streams.layer_norm(build, x, weight, bias, epsilon, build.label_of(weight, "norm"))


@translates("BatchNormalization")
def batch_norm(
    build: Builder,
    x: Symbol,
    weight: Tensor,
    bias: Tensor,
    mean: Tensor,
    variance: Tensor,
    *,
    epsilon: float = 1e-5,
    momentum: float = 0.9,
    training_mode: int = 0,
) -> Symbol:
    return elementwise.batch_norm(build, x, weight, bias, mean, variance, epsilon)


@translates("ReduceMean")
def mean(
    build: Builder,
    x: Symbol | Moment,
    given: Tensor | None = None,
    *,
    axes: Sequence[int] = (),
    keepdims: int = 1,
    noop_with_empty_axes: int = 0,
) -> Moment | Symbol:
    return moments.mean(build, x, list(axes) if given is None else given.tolist(), bool(keepdims))


@translates("ReduceSum")
def total(
    build: Builder,
    x: Symbol,
    given: Tensor | None = None,
    *,
    axes: Sequence[int] = (),
    keepdims: int = 1,
    noop_with_empty_axes: int = 0,
) -> Symbol:
    if not isinstance(x, Symbol):
        raise build.refused("adds up statistics of a token; that is not known")
    return arithmetic.total(build, x, list(axes) if given is None else given.tolist(), bool(keepdims))
