"""What moves elements and computes nothing: the operator itself is carried out on their places."""

from collections.abc import Sequence
from typing import Any

from torch import Tensor

from pointwise.model.frontends.builder import Builder
from pointwise.model.frontends.streams import concatenate
from pointwise.model.frontends.symbol import Symbol

from .registry import translates

SAME = (
    *("clone", "contiguous", "detach", "alias", "lift_fresh_copy", "dropout", "feature_dropout", "to"),
    *("_to_copy", "type_as", "native_dropout"),
)
"""Operators whose result has the elements of their first argument."""
MOVING = (
    *("permute", "transpose", "t", "movedim", "swapaxes", "unsqueeze", "squeeze", "expand", "select"),
    *("slice", "narrow", "flatten", "unflatten", "flip", "roll", "index_select", "diagonal"),
)


@translates(*SAME)
def same(build: Builder, x: Symbol, *rest: Any, **more: Any) -> Symbol:
    return x


@translates("view", "reshape", "_unsafe_view", "view_as")
def reshape(build: Builder, x: Symbol, shape: Sequence[int] | Symbol) -> Symbol:
    wanted = tuple(shape.shape) if isinstance(shape, Symbol) else tuple(shape)
    return x.moved(lambda places: places.reshape(wanted))


@translates(*MOVING)
def moved(build: Builder, x: Symbol, *rest: Any, **more: Any) -> Symbol:
    return x.moved(lambda places: build.operator(places, *rest, **more))


@translates("split", "split_with_sizes", "chunk", "unbind", "tensor_split")
def parted(build: Builder, x: Symbol, *rest: Any, **more: Any) -> list[Symbol]:
    parts: Sequence[Tensor] = build.operator(x.places, *rest, **more)
    return [Symbol(x.values, places, x.expression) for places in parts]


@translates("cat", "concat", "concatenate")
def cat(build: Builder, tensors: Sequence[Symbol | Tensor], dim: int = 0) -> Symbol:
    return concatenate(build, tensors, dim)


@translates("stack")
def stack(build: Builder, tensors: Sequence[Symbol | Tensor], dim: int = 0) -> Symbol:

    def raised(one: Symbol | Tensor) -> Symbol | Tensor:
        if isinstance(one, Symbol):
            return one.moved(lambda places: places.unsqueeze(dim))
        return one.unsqueeze(dim)

    return concatenate(build, [raised(one) for one in tensors], dim)
