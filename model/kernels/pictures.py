"""Kernels of operators that go over pictures, whose pixels are the rows."""

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from pointwise.model.graph.ops import Conv2d, MaxPool, MeanPool
from pointwise.model.graph.value import Value
from pointwise.model.graph.window import Window

from .products import Product
from .requantisation import Requantisation
from .rows import Kernel, product_of_rows

ROWS = 784
"""Pixels whose patches lie in memory together, or those of one image."""


def conv2d(op: Conv2d, inputs: list[Value], device: torch.device) -> Kernel:
    """``Conv2d``: patches as rows, group by group; a channel at a time tap by tap."""
    (source,) = inputs
    n, each = op.weight.shape[:2]
    if each == 1 and n == op.groups:
        return _depthwise(op, device)
    flat = op.weight.transpose(0, 2, 3, 1).reshape(n, -1)
    parts = []
    for part in np.split(np.arange(n), op.groups):
        product = Product(flat[part], source.dtype, device)
        bias = op.bias[part] + product.offset
        requantise = Requantisation(bias, op.mult[part], op.shift[part], op.dtype, device)
        parts.append(product_of_rows(product, requantise))
    at_once = max(1, ROWS // op.window.out_tokens)

    def kernel(values: Tensor) -> Tensor:
        made = []
        for images in values.split(at_once):
            taps = _patches(op.window, images, op.pad)
            groups = [
                product(taps[..., index * each : (index + 1) * each].flatten(-3))
                for index, product in enumerate(parts)
            ]
            made.append(groups[0] if op.groups == 1 else torch.cat(groups, dim=-1))
        return made[0] if len(made) == 1 else torch.cat(made)

    return kernel


def _depthwise(op: Conv2d, device: torch.device) -> Kernel:
    """As many terms as the kernel has taps, at most 16 · 16 · 255 · 128 < 2²⁴: whole in float32."""
    weight = torch.from_numpy(op.weight[:, 0].transpose(1, 2, 0).astype(np.float32)).to(device)
    requantise = Requantisation(op.bias, op.mult, op.shift, op.dtype, device)

    def kernel(values: Tensor) -> Tensor:
        made = []
        for image in values.split(1):
            lines = _taps(op.window, image, op.pad)
            acc = torch.zeros((1, *op.window.out_size, len(op.weight)), device=device)
            for factors, taps in zip(weight, lines, strict=True):
                for factor, tap in zip(factors, taps, strict=True):
                    acc.addcmul_(tap.to(torch.float32), factor)
            made.append(requantise(acc.flatten(1, 2)))
        return torch.cat(made)

    return kernel


def max_pool(op: MaxPool, inputs: list[Value], device: torch.device) -> Kernel:
    """``MaxPool``, tap by tap."""

    def kernel(values: Tensor) -> Tensor:
        first, *others = (tap for line in _taps(op.window, values, op.pad) for tap in line)
        made = first.clone()
        for tap in others:
            torch.maximum(made, tap, out=made)
        return made.flatten(1, 2)

    return kernel


def mean_pool(op: MeanPool, inputs: list[Value], device: torch.device) -> Kernel:
    """``MeanPool``."""
    requantise = Requantisation(op.bias, op.mult, op.shift, op.dtype, device)
    return lambda values: requantise(values[:, op.first :].sum(dim=1, keepdim=True, dtype=torch.int32))


def _taps(window: Window, values: Tensor, pad: int) -> list[list[Tensor]]:
    """What lies under each tap, line by line: views (B, rows, columns, channels) of a picture and its pad."""
    top, left, bottom, right = window.padding
    picture = values.reshape(len(values), *window.size, values.shape[-1])
    if window.padded:
        picture = functional.pad(picture, (0, 0, left, right, top, bottom), value=pad)
    (down, across), (apart, beside), (height, width) = window.stride, window.dilation, window.out_size
    return [
        [
            picture[
                :,
                line * apart : line * apart + (height - 1) * down + 1 : down,
                tap * beside : tap * beside + (width - 1) * across + 1 : across,
            ]
            for tap in range(window.kernel[1])
        ]
        for line in range(window.kernel[0])
    ]


def _patches(window: Window, values: Tensor, pad: int) -> Tensor:
    """(B, out_tokens, lines, taps, channels): the same side by side."""
    if window.kernel == (1, 1):
        return _taps(window, values, pad)[0][0].flatten(1, 2)[:, :, None, None]
    taps = [torch.stack(line, dim=3) for line in _taps(window, values, pad)]
    return torch.stack(taps, dim=3).flatten(1, 2)
