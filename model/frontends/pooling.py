"""The largest and the mean of pixels, under a window or of all; the mean of tokens."""

from collections.abc import Sequence
from dataclasses import replace

import torch

from pointwise.model.graph.ops import MaxPool, MeanPool

from .builder import Builder
from .convolutions import convolution
from .pictures import Kernel, Pair, picture, picture_size, pixels
from .settle import settle
from .symbol import Symbol

MAXIMUM, MEAN = "takes the maximum of", "takes the mean of"


def max_pool(build: Builder, symbol: Symbol, kernel: Kernel) -> Symbol:
    """The largest pixel under a window, channel by channel; what is around the picture does not count.

    Args:
        symbol: (1, channels, height, width).
    """
    window = kernel.over(build, picture_size(symbol))
    found = picture(build, symbol, MAXIMUM)
    if not (found.factor > 0).all():
        settle(build, symbol, MAXIMUM)
        found = picture(build, symbol, MAXIMUM)
    label = build.module or "max_pool"
    names = tuple(build.add(MaxPool("", (name,), window=window), label) for name in found.names)
    return found.results(build, names, window.out_size)


def avg_pool(
    build: Builder, symbol: Symbol, kernel: Kernel, divisor: int | None = None, padded: bool = True
) -> Symbol:
    """The mean under a window: a convolution of each channel by itself, whose weights are all the same.

    Args:
        symbol: (1, channels, height, width). divisor: of the sums; the pixels under the kernel unless given.
        padded: zeros around the picture count as pixels.

    Raises:
        PointwiseError: there are zeros, and they do not count.
    """
    taps = kernel.size[0] * kernel.size[1]
    if any(kernel.padding) and not padded and divisor is None:
        raise build.refused(
            "takes means that leave out the padding, so that each divides by another number; those that "
            "count it are known (count_include_pad)"
        )
    if kernel.size == picture_size(symbol) and not any(kernel.padding) and divisor in (None, taps):
        return global_mean(build, symbol)
    channels = symbol.shape[1]
    weight = torch.full((channels, 1, *kernel.size), 1 / (divisor or taps), dtype=torch.float64)
    return convolution(build, symbol, weight, None, kernel, channels, build.module or "avg_pool")


def global_mean(build: Builder, symbol: Symbol) -> Symbol:
    """The mean of all pixels of (1, channels, *size), (1, channels, 1, …)."""
    made = mean_of_tokens(build, symbol.moved(lambda places: places.flatten(2).transpose(1, 2)))
    shape = (*symbol.shape[:2], *[1] * (len(symbol.shape) - 2))
    return made.moved(lambda places: places.reshape(shape))


def mean_of_tokens(build: Builder, symbol: Symbol) -> Symbol:
    """The mean of the tokens of (…, tokens, channels), (…, channels)."""
    shape = (*symbol.shape[:-2], symbol.shape[-1])
    found = pixels(build, symbol, MEAN)
    label = build.module or "mean"
    names = tuple(build.add(MeanPool("", (name,)), label) for name in found.names)
    return found.results(build, names, (1, 1)).moved(lambda places: places.reshape(shape))


def adaptive_kernel(build: Builder, symbol: Symbol, sizes: Sequence[int | None]) -> Kernel:
    """The kernel of a pooling that makes pictures of a size.

    Raises:
        PointwiseError: the picture's size is no multiple of it, so that kernels would differ.
    """
    given = picture_size(symbol)
    height, width = (one if wanted is None else wanted for one, wanted in zip(given, sizes, strict=True))
    if height < 1 or width < 1 or given[0] % height or given[1] % width:
        raise build.refused(
            f"pools {given[0]} by {given[1]} pixels into {height} by {width}, whose kernels differ; sizes "
            "that divide the picture's are known"
        )
    step = (given[0] // height, given[1] // width)
    return Kernel(step, step)


def ceiled(kernel: Kernel, size: Pair) -> Kernel:
    """The same kernel with as much more padding below and to the right as results that are rounded up take.

    A last window begins inside of the picture or of the padding in front of it.
    """
    top, left, bottom, right = kernel.padding
    more: list[int] = []
    if min(kernel.stride) < 1:
        return kernel  # which no window is made of
    for axis, (before, behind) in enumerate(((top, bottom), (left, right))):
        length, step = size[axis] + before + behind, kernel.stride[axis]
        reach = (kernel.size[axis] - 1) * kernel.dilation[axis] + 1
        count = -(-(length - reach) // step) + 1
        if (count - 1) * step >= size[axis] + before:
            count -= 1
        more.append(max(0, (count - 1) * step + reach - length))
    return replace(kernel, padding=(top, left, bottom + more[0], right + more[1]))
