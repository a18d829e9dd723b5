"""What moves elements and computes nothing: it is carried out on their places."""

from collections.abc import Sequence

import torch
from torch import Tensor

from pointwise.model.frontends.builder import Builder
from pointwise.model.frontends.streams import concatenate
from pointwise.model.frontends.symbol import Symbol

from .registry import translates


@translates("Identity", "Dropout", "CastLike")
def same(build: Builder, x: Symbol, *rest: object, **more: object) -> Symbol:
    return x


@translates("Shape")
def shape(build: Builder, x: Symbol, *, start: int = 0, end: int | None = None) -> Tensor:
    return torch.tensor(tuple(x.shape)[start:end])


@translates("Reshape")
def reshape(build: Builder, x: Symbol, shape: Tensor, *, allowzero: int = 0) -> Symbol:
    wanted = [
        x.shape[axis] if size == 0 and not allowzero else size for axis, size in enumerate(shape.tolist())
    ]
    return x.moved(lambda places: places.reshape(wanted))


@translates("Flatten")
def flatten(build: Builder, x: Symbol, *, axis: int = 1) -> Symbol:
    rows = x.shape[: axis % (len(x.shape) + 1)].numel()
    return x.moved(lambda places: places.reshape(rows, -1))


@translates("Transpose")
def transpose(build: Builder, x: Symbol, *, perm: Sequence[int] | None = None) -> Symbol:
    order = list(reversed(range(len(x.shape)))) if perm is None else list(perm)
    return x.moved(lambda places: places.permute(order))


@translates("Squeeze")
def squeeze(build: Builder, x: Symbol, given: Tensor | None = None, *, axes: Sequence[int] = ()) -> Symbol:
    chosen = axes if given is None else given.tolist()
    every = [axis for axis, size in enumerate(x.shape) if size == 1]
    return x.moved(lambda places: places.squeeze(list(chosen) or every))


@translates("Unsqueeze")
def unsqueeze(build: Builder, x: Symbol, given: Tensor | None = None, *, axes: Sequence[int] = ()) -> Symbol:
    chosen = list(axes) if given is None else given.tolist()
    total = len(x.shape) + len(chosen)

    def move(places: Tensor) -> Tensor:
        for axis in sorted(axis % total for axis in chosen):
            places = places.unsqueeze(axis)
        return places

    return x.moved(move)


@translates("Slice")
def slice_(
    build: Builder,
    x: Symbol,
    starts: Tensor,
    ends: Tensor,
    axes: Tensor | None = None,
    steps: Tensor | None = None,
) -> Symbol:
    first, last = starts.tolist(), ends.tolist()
    along = list(range(len(first))) if axes is None else axes.tolist()
    by = [1] * len(first) if steps is None else steps.tolist()

    def move(places: Tensor) -> Tensor:
        for start, end, axis, step in zip(first, last, along, by, strict=True):
            chosen = range(places.shape[axis])[slice(start, end, step)]
            places = places.index_select(axis, torch.tensor(list(chosen), dtype=torch.int64))
        return places

    return x.moved(move)


@translates("Gather")
def gather(build: Builder, x: Symbol, indices: Tensor, *, axis: int = 0) -> Symbol:
    size, axis = x.shape[axis], axis % len(x.shape)
    chosen = indices.flatten() % size
    wanted = (*x.shape[:axis], *indices.shape, *x.shape[axis + 1 :])
    return x.moved(lambda places: places.index_select(axis, chosen).reshape(wanted))


@translates("Split")
def split(
    build: Builder,
    x: Symbol,
    sizes: Tensor | None = None,
    *,
    axis: int = 0,
    num_outputs: int | None = None,
    outputs: int = 1,
) -> list[Symbol]:
    total, count = x.shape[axis], num_outputs or outputs
    parts = [-(-total // count)] * count if sizes is None else sizes.tolist()
    parts[-1] = total - sum(parts[:-1])
    return [Symbol(x.values, places, x.expression) for places in x.places.split(parts, axis)]


@translates("Concat")
def concat(build: Builder, *tensors: Symbol | Tensor, axis: int) -> Symbol:
    return concatenate(build, tensors, axis)


@translates("Expand")
def expand(build: Builder, x: Symbol, shape: Tensor) -> Symbol:
    wanted = torch.broadcast_shapes(x.shape, tuple(shape.tolist()))
    return x.moved(lambda places: places.expand(wanted))
