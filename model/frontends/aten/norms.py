"""LayerNorm, batch normalisation, and the statistics of a LayerNorm that is written out."""

from collections.abc import Sequence

from torch import Tensor

from pointwise.model.frontends import elementwise, moments, streams
from pointwise.model.frontends.builder import Builder
from pointwise.model.frontends.moments import Moment
from pointwise.model.frontends.symbol import Symbol

from .registry import translates


@translates("layer_norm")
def layer_norm(
    build: Builder,
    x: Symbol,
    shape: Sequence[int],
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
    *rest: object,
) -> Symbol:
    if len(shape) != 1:
        raise build.refused(
            f"normalises over {len(shape)} dimensions at once; LayerNorm over the last one is known"
        )
    label = build.label_of(weight, "norm") if weight is not None else build.module or "norm"
    return streams.layer_norm(build, x, weight, bias, eps, label)


@translates("_native_batch_norm_legit_no_training")
def batch_norm(
    build: Builder,
    x: Symbol,
    weight: Tensor | None,
    bias: Tensor | None,
    mean: Tensor,
    variance: Tensor,
    momentum: float,
    eps: float,
) -> list[Symbol]:
    return [elementwise.batch_norm(build, x, weight, bias, mean, variance, eps)]


@translates("mean")
def mean(
    build: Builder, x: Symbol | Moment, dim: Sequence[int], keepdim: bool = False, **more: object
) -> Moment | Symbol:
    return moments.mean(build, x, dim, keepdim)


@translates("var")
def var(
    build: Builder,
    x: Symbol,
    dim: Sequence[int],
    unbiased: bool = True,
    keepdim: bool = False,
    *,
    correction: float | None = None,
) -> Moment:
    return moments.variance(build, x, dim, keepdim, float(unbiased) if correction is None else correction)


@translates("var_mean")
def var_mean(
    build: Builder, x: Symbol, dim: Sequence[int], *, correction: float = 1, keepdim: bool = False
) -> list[Moment | Symbol]:
    return [moments.variance(build, x, dim, keepdim, correction), moments.mean(build, x, dim, keepdim)]
