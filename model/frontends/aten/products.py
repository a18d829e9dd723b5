"""Linear layers, convolutions, products of tensors, softmax and attention."""

from collections.abc import Sequence

import torch
from torch import Tensor

from pointwise.model.frontends import attention, elementwise, products
from pointwise.model.frontends.builder import Builder
from pointwise.model.frontends.convolutions import convolution_nd
from pointwise.model.frontends.symbol import Symbol

from .registry import translates


@translates("linear")
def linear(build: Builder, x: Symbol, weight: Tensor, bias: Tensor | None = None) -> Symbol:
    return products.linear(build, x, weight, bias, build.label_of(weight, "linear"))


@translates("addmm")
def addmm(
    build: Builder, bias: Tensor, x: Symbol, weight: Tensor, *, beta: float = 1, alpha: float = 1
) -> Symbol:
    _constants(build, weight, bias)
    return products.linear(build, x, weight.T * alpha, bias * beta, build.label_of(weight, "linear"))


@translates("matmul", "mm", "bmm")
def matmul(build: Builder, left: Symbol | Tensor, right: Symbol | Tensor) -> Symbol:
    return attention.product(build, left, right)


@translates("baddbmm")
def baddbmm(
    build: Builder, added: Symbol | Tensor, left: Symbol, right: Symbol, *, beta: float = 1, alpha: float = 1
) -> Symbol:
    made = elementwise.affine(build, matmul(build, left, right), float(alpha), 0.0)
    return elementwise.plus(build, made, added, float(beta)) if beta else made


@translates("softmax", "_softmax")
def softmax(build: Builder, x: Symbol, dim: int, *rest: object) -> Symbol:
    return attention.softmax(build, x, dim)


@translates("scaled_dot_product_attention")
def dot_product_attention(
    build: Builder,
    query: Symbol,
    key: Symbol,
    value: Symbol,
    attn_mask: Symbol | Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    *,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Symbol:
    if isinstance(attn_mask, Tensor) and bool((attn_mask == (attn_mask.dtype == torch.bool)).all()):
        attn_mask = None  # all are seen, and nothing is added
    if is_causal or attn_mask is not None:
        raise build.refused("masks the scores of attention, or adds to them; that is not known")
    if enable_gqa:
        heads = query.shape[-3] // key.shape[-3]
        key, value = (one.moved(lambda places: places.repeat_interleave(heads, -3)) for one in (key, value))
    return attention.attention(build, query, key, value, scale)


@translates("conv1d", "conv2d", "conv3d")
def convolution(
    build: Builder,
    x: Symbol,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Sequence[int] = (1,),
    padding: Sequence[int] | str = (0,),
    dilation: Sequence[int] = (1,),
    groups: int = 1,
) -> Symbol:
    _constants(build, weight)
    axes = weight.dim() - 2
    strides, gaps = (list(part) * (axes // len(part)) for part in (stride, dilation))
    if isinstance(padding, str):
        reach = [(taps - 1) * gap for taps, gap in zip(weight.shape[2:], gaps, strict=True)]
        total = reach if padding == "same" else [0] * axes
        before = [pad // 2 for pad in total]
        behind = [pad - half for pad, half in zip(total, before, strict=True)]
    else:
        before = behind = list(padding) * (axes // len(padding))
    label = build.label_of(weight, "conv")
    return convolution_nd(build, x, weight, bias, strides, [*before, *behind], gaps, groups, label)


def _constants(build: Builder, *tensors: object) -> None:
    if not all(isinstance(tensor, Tensor) for tensor in tensors):
        raise build.refused("multiplies with weights that depend on the input; that is not known")
