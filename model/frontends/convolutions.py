"""Convolutions of any kernel, stride, padding, dilation and groups."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from pointwise.hw.contract.config import MAX_CHANNELS
from pointwise.model.graph.arrangement import Arrangement
from pointwise.model.graph.ops import Conv2d, Linear
from pointwise.model.graph.window import Window

from .builder import RAW, Builder
from .expression import Call
from .padding import without_padding
from .pictures import Kernel, Padding, Pair, Picture, by_channel, picture, picture_size, shaped
from .products import patches
from .settle import settle
from .symbol import Symbol

CONVOLVES = "convolves"


def convolution_nd(
    build: Builder,
    symbol: Symbol,
    weight: Tensor,
    bias: Tensor | None,
    strides: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
    groups: int,
    label: str,
) -> Symbol:
    """A convolution over one, two or more dimensions, with a batch in front of the channels or without.

    Args:
        weight: (N, channels / groups, *kernel). strides, dilation: for each dimension. padding: in front of
            each dimension, then behind each.

    Raises:
        PointwiseError: as ``convolution``; of more than two dimensions those alone are known whose kernels
            lie side by side.
    """
    axes = weight.dim() - 2
    if symbol.places.dim() == axes + 1:
        made = convolution_nd(
            build,
            symbol.moved(lambda places: places[None]),
            weight,
            bias,
            strides,
            padding,
            dilation,
            groups,
            label,
        )
        return made.moved(lambda places: places[0])
    if axes == 1:
        line = symbol.moved(lambda places: places.unsqueeze(2))
        around = (0, padding[0], 0, padding[1])
        kernel = Kernel((1, weight.shape[-1]), (1, strides[0]), around, (1, dilation[0]))
        made = convolution(build, line, weight.unsqueeze(2), bias, kernel, groups, label)
        return made.moved(lambda places: places.squeeze(2))
    if axes == 2:
        kernel = Kernel(_pair(weight.shape[2:]), _pair(strides), _four(padding), _pair(dilation))
        return convolution(build, symbol, weight, bias, kernel, groups, label)
    if tuple(strides) != tuple(weight.shape[2:]) or any(padding) or groups != 1 or max(dilation) > 1:
        raise build.refused(
            f"is a convolution over {axes} dimensions, with kernels that do not lie side by side; those over "
            "one dimension or two are known"
        )
    return patches(build, symbol, weight, bias, label)


def convolution(
    build: Builder,
    symbol: Symbol,
    weight: Tensor,
    bias: Tensor | None,
    kernel: Kernel,
    groups: int,
    label: str,
) -> Symbol:
    """A convolution, (1, channels, height, width) to (1, N, height, width).

    What was multiplied with and added to each channel before goes into the weights. Of the network's own
    input the patches are cut out by the host, so that few colours make many channels.

    Args:
        weight: (N, channels / groups, *kernel). bias: (N,) or None. label: the name that it would like.

    Raises:
        PointwiseError: the window does not fit the picture, or the groups not the channels.
    """
    n, channels = len(weight), symbol.shape[1]
    if groups < 1 or n % groups or channels != weight.shape[1] * groups:
        raise build.refused(
            f"has {groups} groups, weights of the shape {tuple(weight.shape)} and {channels} channels in, "
            "which do not fit each other; groups divide both the channels in and those out"
        )
    window = kernel.over(build, picture_size(symbol))
    raw = symbol.values == (RAW,) and not build.pixels
    if kernel.patchwise and groups == 1 and (raw or kernel.size == (1, 1)):
        return patches(build, symbol, weight, bias, label)
    w, b = weight.double().numpy(), np.zeros(n) if bias is None else bias.double().numpy()
    if raw and (stem := _stem(build, symbol, _dense(w, channels), b, window, label)) is not None:
        return shaped(build, stem, window.out_size)
    found = picture(build, symbol, CONVOLVES)
    if window.padded and found.offset.any():
        # Zeros are put around the picture after the offset: a value of its own has it.
        settle(build, symbol, CONVOLVES)
        found = picture(build, symbol, CONVOLVES)
    if len(found.names) > 1 and groups == channels == n:
        return _each_by_itself(build, found, window, weight, b, label)
    factor, offset = (_of_rows(part, n, groups) for part in (found.factor, found.offset))
    w, b = w * factor, b + (w * offset).sum(axis=(1, 2, 3))
    if len(found.names) > 1:
        w, groups = _dense(w, channels), 1
    total = ""
    for name, columns, inside in found.parts(build):
        part = Part(w if groups > 1 else w[:, columns], inside, groups)
        made = build.add(_over(build, name, window, part, np.zeros(n) if total else b), label)
        total = build.add_layer(total, made, label)
    return shaped(build, total, window.out_size)


@dataclass(frozen=True)
class Part:
    """Weights of some channels of a value.

    Attributes:
        weight: (N, K / groups, *kernel). inside: (K,) which channels of the value. groups: of both.
    """

    weight: np.ndarray
    inside: np.ndarray
    groups: int


def _over(build: Builder, name: str, window: Window, part: Part, bias: np.ndarray) -> Conv2d:
    """A convolution of some channels of a value, as one of all of them: weights of the others are zeros."""
    name, window = without_padding(build, name, window)
    width, weight, groups = build.shapes[name][1], part.weight, part.groups
    if not np.array_equal(part.inside, np.arange(width)):
        weight, groups = np.zeros((len(bias), width, *window.kernel)), 1
        np.add.at(weight.swapaxes(0, 1), part.inside, _dense(part.weight, len(part.inside)).swapaxes(0, 1))
    return Conv2d("", (name,), window=window, groups=groups, weight=weight, bias=bias)


def _each_by_itself(
    build: Builder, found: Picture, window: Window, weight: Tensor, bias: np.ndarray, label: str
) -> Symbol:
    """A convolution of each channel of several values by itself: of each value one.

    Args:
        weight: (C, 1, *kernel). bias: (C,).
    """
    w, names = weight.double().numpy(), []
    w, b = w * _of_rows(found.factor, len(w), len(w)), bias + found.offset * w.sum(axis=(1, 2, 3))
    for name, columns, inside in found.parts(build):
        width = build.shapes[name][1]
        whole, biases = np.zeros((width, 1, *window.kernel)), np.zeros(width)
        whole[inside], biases[inside] = w[columns], b[columns]
        made = Conv2d("", (name,), window=window, groups=width, weight=whole, bias=biases)
        names.append(build.add(made, label))
    done = replace(found, factor=np.ones(len(w)), offset=np.zeros(len(w)))
    return done.results(build, tuple(names), window.out_size)


def _stem(
    build: Builder, symbol: Symbol, weight: np.ndarray, bias: np.ndarray, window: Window, label: str
) -> str | None:
    """A convolution of the network's input as a linear layer of patches; None where the host cannot cut them
    as the core would read them: the input is turned, or was shifted before zeros are put around it.

    Args:
        weight: (N, channels, *kernel). bias: (N,).
    """
    natural = (weight.shape[1], *window.size)
    if isinstance(symbol.expression, Call) or weight[0].size > MAX_CHANNELS or build.shape != natural:
        return None
    parts = by_channel(symbol.moved(lambda places: places.movedim(1, -1)))
    turned = not torch.equal(symbol.places.flatten(), torch.arange(symbol.places.numel()))
    if turned or parts is None or (window.padded and parts[1].any()):
        return None
    factor, offset = (part[:, None, None] for part in parts)
    bias = bias + (weight * offset).sum(axis=(1, 2, 3))
    source = build.input(Arrangement.of_patches(weight.shape[1], window))
    name = build.add(Linear("", (source,), (weight * factor).reshape(len(weight), -1), bias), label)
    build.pictures[name] = window.out_size
    return name


def _of_rows(numbers: np.ndarray, n: int, groups: int) -> np.ndarray:
    """Numbers of each channel in, (C,), as those of each row of weights, (N, C / groups, 1, 1)."""
    return np.repeat(numbers.reshape(groups, -1), n // groups, axis=0)[..., None, None]


def _dense(weight: np.ndarray, channels: int) -> np.ndarray:
    """Weights of groups (N, channels / groups, *kernel) as those of all channels, zeros between groups."""
    n, each = weight.shape[:2]
    if each == channels:
        return weight
    whole = np.zeros((n, channels, *weight.shape[2:]))
    for row in range(n):
        first = row // (n * each // channels) * each
        whole[row, first : first + each] = weight[row]
    return whole


def _pair(numbers: Sequence[int]) -> Pair:
    down, right = numbers
    return (int(down), int(right))


def _four(padding: Sequence[int]) -> Padding:
    top, left, bottom, right = padding
    return (int(top), int(left), int(bottom), int(right))
