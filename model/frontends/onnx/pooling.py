"""The largest and the mean of pixels under a window, and padding."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from pointwise.model.frontends import pooling
from pointwise.model.frontends.builder import Builder
from pointwise.model.frontends.padding import padded
from pointwise.model.frontends.pictures import Kernel, picture_size
from pointwise.model.frontends.streams import concatenate
from pointwise.model.frontends.symbol import Symbol

from .registry import translates


def paddings(
    auto_pad: str,
    pads: Sequence[int] | None,
    sizes: Sequence[int],
    kernel: Sequence[int],
    strides: Sequence[int],
    dilations: Sequence[int],
) -> list[int]:
    """Padding in front of each dimension, then behind each, as the attributes of a window have it."""
    if not auto_pad.startswith("SAME") or min(strides) < 1:
        return list(pads or [0] * 2 * len(kernel))
    before, behind = [], []
    for size, taps, step, gap in zip(sizes, kernel, strides, dilations, strict=True):
        total = max(0, (-(-size // step) - 1) * step + (taps - 1) * gap + 1 - size)
        small, large = total // 2, total - total // 2
        before.append(large if auto_pad == "SAME_LOWER" else small)
        behind.append(small if auto_pad == "SAME_LOWER" else large)
    return [*before, *behind]


@translates("MaxPool")
def max_pool(
    build: Builder,
    x: Symbol,
    *,
    kernel_shape: Sequence[int],
    auto_pad: str = "NOTSET",
    ceil_mode: int = 0,
    dilations: Sequence[int] | None = None,
    pads: Sequence[int] | None = None,
    storage_order: int = 0,
    strides: Sequence[int] | None = None,
) -> Symbol:
    kernel = _kernel(x, kernel_shape, auto_pad, dilations, pads, strides)
    return _planar(x, lambda one: pooling.max_pool(build, one, _whole(kernel, one, ceil_mode)))


@translates("AveragePool")
def average_pool(
    build: Builder,
    x: Symbol,
    *,
    kernel_shape: Sequence[int],
    auto_pad: str = "NOTSET",
    ceil_mode: int = 0,
    count_include_pad: int = 0,
    dilations: Sequence[int] | None = None,
    pads: Sequence[int] | None = None,
    strides: Sequence[int] | None = None,
) -> Symbol:
    kernel = _kernel(x, kernel_shape, auto_pad, dilations, pads, strides)

    def pool(one: Symbol) -> Symbol:
        if _whole(kernel, one, ceil_mode) != kernel:
            raise build.refused(
                "takes means of fewer pixels at the border, as ceil_mode does; that is not known"
            )
        return pooling.avg_pool(build, one, kernel, None, bool(count_include_pad))

    return _planar(x, pool)


@translates("GlobalAveragePool")
def global_average_pool(build: Builder, x: Symbol) -> Symbol:
    return pooling.global_mean(build, x)


@translates("GlobalMaxPool")
def global_max_pool(build: Builder, x: Symbol) -> Symbol:
    return _planar(x, lambda one: pooling.max_pool(build, one, Kernel(picture_size(one))))


@translates("Pad")
def pad(
    build: Builder,
    x: Symbol,
    pads: Tensor,
    value: Tensor | None = None,
    axes: Tensor | None = None,
    *,
    mode: str = "constant",
) -> Symbol:
    dimensions, sizes = x.places.dim(), pads.tolist()
    given = list(range(dimensions)) if axes is None else [axis % dimensions for axis in axes.tolist()]
    before, behind = [0] * dimensions, [0] * dimensions
    for index, axis in enumerate(given):
        before[axis], behind[axis] = sizes[index], sizes[index + len(given)]
    zeros = mode == "constant" and (value is None or float(value) == 0)
    if zeros and dimensions == 3 and not any([before[0], before[2], *behind]):
        # Class tokens that are put in later: rows in front of the others.
        return concatenate(build, [torch.zeros(x.shape[0], before[1], x.shape[2]), x], 1)
    if not zeros or dimensions != 4 or any([*before[:2], *behind[:2]]):
        raise build.refused("pads with something else than zeros around a picture; that is not known")
    return padded(build, x, (before[-2], before[-1], behind[-2], behind[-1]))


def _kernel(
    x: Symbol,
    shape: Sequence[int],
    auto_pad: str,
    dilations: Sequence[int] | None,
    pads: Sequence[int] | None,
    strides: Sequence[int] | None,
) -> Kernel:
    """Of the attributes of a pooling over one dimension or two; a line is a picture of one row."""
    one = [1] * len(shape)
    around = paddings(auto_pad, pads, x.shape[2:], shape, strides or one, dilations or one)
    before, behind = around[: len(shape)], around[len(shape) :]
    (down, right), (top, left), (bottom, end), (apart_y, apart_x) = (
        (*[rest] * (2 - len(part)), *part)
        for part, rest in ((strides or one, 1), (before, 0), (behind, 0), (dilations or one, 1))
    )
    size = (*[1] * (2 - len(shape)), *shape)
    return Kernel((size[0], size[1]), (down, right), (top, left, bottom, end), (apart_y, apart_x))


def _whole(kernel: Kernel, x: Symbol, ceil_mode: int) -> Kernel:
    return pooling.ceiled(kernel, picture_size(x)) if ceil_mode else kernel


def _planar(x: Symbol, pool: Callable[[Symbol], Symbol]) -> Symbol:
    """A pooling of (1, channels, height, width), also of (1, channels, length)."""
    if x.places.dim() == 4:
        return pool(x)
    return pool(x.moved(lambda places: places.unsqueeze(2))).moved(lambda places: places.squeeze(2))
