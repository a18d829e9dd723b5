"""Kernels of operators that work on rows of channels."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from pointwise.model.graph.ops import (
    Activation,
    Add,
    Concat,
    Constant,
    LayerNorm,
    Linear,
    MatMul,
    Slice,
    Softmax,
)
from pointwise.model.graph.value import LIMITS, Value
from pointwise.model.integer.layernorm import CENTRE_FRACTION_BITS, statistics

from .products import LARGEST, Product, matmul
from .requantisation import TYPES, Requantisation, divided, rows_at_once

Kernel = Callable[..., Tensor]
"""Makes an operator's result, (B, tokens, channels) integers, of what it reads; 1 stands for B where that is
the same for all images. A value has the narrowest type of torch that holds it, exponentials float32."""


def linear(op: Linear, inputs: list[Value], device: torch.device) -> Kernel:
    """``Linear``."""
    product = Product(op.weight, inputs[0].dtype, device)
    return product_of_rows(
        product, Requantisation(op.bias + product.offset, op.mult, op.shift, op.dtype, device)
    )


def product_of_rows(product: Product, requantise: Requantisation) -> Kernel:
    """requantise(x · Wᵀ) for rows x, (…, N) of (…, K), with the product's offset in the bias."""
    channels = len(product.offset)
    step = rows_at_once(channels)

    def kernel(values: Tensor) -> Tensor:
        rows = values.reshape(-1, values.shape[-1])
        made = torch.empty((len(rows), channels), dtype=requantise.type, device=values.device)
        for first in range(0, len(rows), step):
            requantise(product(rows[first : first + step]), made[first : first + step])
        return made.reshape(*values.shape[:-1], -1)

    return kernel


def matrix_product(op: MatMul, inputs: list[Value], device: torch.device) -> Kernel:
    """``MatMul``."""
    requantise = Requantisation(op.bias, op.mult, op.shift, op.dtype, device)
    largest = LARGEST[inputs[0].dtype] * LARGEST["int8"]

    def kernel(left: Tensor, right: Tensor) -> Tensor:
        acc = matmul(left, right.transpose(-1, -2) if op.transposed else right, largest)
        return requantise(divided(acc, left) if op.divide else acc)

    return kernel


def softmax(op: Softmax, inputs: list[Value], device: torch.device) -> Kernel:
    """``Softmax``; the difference from the maximum is a byte, whatever wraps around on the way."""
    table = torch.from_numpy(np.asarray(op.table, np.float32)).to(device)
    return lambda scores: look_up(scores.amax(dim=-1, keepdim=True) - scores, table)


def activation(op: Activation, inputs: list[Value], device: torch.device) -> Kernel:
    """``Activation``."""
    table = torch.from_numpy(np.asarray(op.table, np.int64)).to(TYPES[op.dtype]).to(device)
    return lambda values: look_up(values, table)


def look_up(values: Tensor, table: Tensor) -> Tensor:
    """Entries of a table of 256, by bytes of either type."""
    places = values.contiguous().view(torch.uint8).flatten().to(torch.int32)
    return table.index_select(0, places).reshape(values.shape)


def layer_norm(op: LayerNorm, inputs: list[Value], device: torch.device) -> Kernel:
    """``LayerNorm``: sums below 2⁴³ and products below 2³⁴ are whole in float64. A shift of more than 53 bits
    leaves less than ½ of any product, whose rounding to 0 no rounding of float64 changes."""
    lanes = 0 if op.channel_shift is None else op.channel_shift
    channels = torch.from_numpy(np.ldexp(1.0, -np.asarray(lanes, np.int64))).to(device)

    def kernel(values: Tensor) -> Tensor:
        floats = values.to(torch.float64)
        squares = torch.linalg.vecdot(floats, floats)
        total, square = (part.cpu().numpy().astype(np.int64) for part in (floats.sum(dim=-1), squares))
        mean, mult, shift = statistics(total, square, op.constants)
        factor = torch.from_numpy(np.ldexp(mult.astype(np.float64), -shift)).to(device)[..., None]
        centre = torch.from_numpy(mean.astype(np.float64)).to(device)[..., None]
        made = floats.mul_(1 << CENTRE_FRACTION_BITS).sub_(centre).mul_(factor)
        if op.channel_shift is not None:
            made.mul_(channels)
        return made.add_(0.5).floor_().clamp_(*LIMITS["int8"]).to(torch.int8)

    return kernel


def add(op: Add, inputs: list[Value], device: torch.device) -> Kernel:
    """``Add`` of both kinds, in 32 bits."""
    limits = LIMITS[op.dtype]

    def kernel(new: Tensor, old: Tensor) -> Tensor:
        if op.dtype == "int16":
            return (new.to(torch.int32) + old).clamp_(*limits).to(torch.int16)
        total = new.to(torch.int32).add_(old, alpha=op.factor)
        if op.shift:
            total.add_(1 << op.shift - 1).bitwise_right_shift_(op.shift)
        return total.clamp_(*limits).to(TYPES[op.dtype])

    return kernel


def concat(op: Concat, inputs: list[Value], device: torch.device) -> Kernel:
    """``Concat``."""

    def kernel(*values: Tensor) -> Tensor:
        count = max(len(value) for value in values)
        return torch.cat([value.expand(count, -1, -1) for value in values], dim=-1)

    return kernel


def constant(op: Constant, inputs: list[Value], device: torch.device) -> Kernel:
    """``Constant``."""
    values = torch.from_numpy(np.asarray(op.values, np.int16)).to(device)[None]
    return lambda: values


def rows_of(op: Slice, inputs: list[Value], device: torch.device) -> Kernel:
    """``Slice``."""
    return lambda values: values[:, op.first : op.first + op.count]
