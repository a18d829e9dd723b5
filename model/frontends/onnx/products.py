"""Linear layers, convolutions, products of tensors, and softmax."""

from collections.abc import Sequence

from torch import Tensor

from pointwise.model.frontends import attention, elementwise, products
from pointwise.model.frontends.builder import Builder
from pointwise.model.frontends.convolutions import convolution_nd
from pointwise.model.frontends.symbol import Symbol

from .pooling import paddings
from .registry import translates


@translates("MatMul")
def matmul(build: Builder, left: Symbol | Tensor, right: Symbol | Tensor) -> Symbol:
    return attention.product(build, left, right)


@translates("Gemm")
def gemm(
    build: Builder,
    x: Symbol,
    weight: Tensor,
    bias: Tensor | None = None,
    *,
    alpha: float = 1.0,
    beta: float = 1.0,
    transA: int = 0,
    transB: int = 0,
) -> Symbol:
    if not isinstance(x, Symbol) or not isinstance(weight, Tensor):
        raise build.refused("multiplies with weights that depend on the input; that is not known")
    symbol = x.moved(lambda places: places.T) if transA else x
    label = build.label_of(weight, "linear")
    rows = weight if transB else weight.T
    if bias is not None:
        bias = (beta * bias).expand(len(rows)) if bias.dim() < 2 or bias.shape[0] == 1 else bias
    if bias is not None and bias.numel() != len(rows):
        raise build.refused(f"adds a constant of the shape {tuple(bias.shape)}, one for each row")
    return products.linear(build, symbol, alpha * rows, None if bias is None else bias.flatten(), label)


@translates("Einsum")
def einsum(build: Builder, *tensors: Symbol | Tensor, equation: str) -> Symbol:
    left, right = tensors if len(tensors) == 2 else (None, None)
    if not isinstance(left, Symbol) or not isinstance(right, Symbol):
        raise build.refused(
            f"is the product {equation} of something else than two tensors; that is not known"
        )
    return attention.einsum(build, equation, left, right)


@translates("Softmax")
def softmax(build: Builder, x: Symbol, *, axis: int = -1) -> Symbol:
    return attention.softmax(build, x, axis)


@translates("Attention")
def dot_product_attention(
    build: Builder,
    query: Symbol,
    key: Symbol,
    value: Symbol,
    mask: Symbol | Tensor | None = None,
    *past: object,
    is_causal: int = 0,
    kv_num_heads: int | None = None,
    q_num_heads: int | None = None,
    scale: float | None = None,
    softcap: float = 0.0,
    **more: object,
) -> Symbol:
    """Of four dimensions, heads before tokens; or of three, with the heads side by side."""
    if is_causal or mask is not None or softcap or any(one is not None for one in past):
        raise build.refused("masks the scores of attention, adds to them or bounds them; that is not known")
    flat = len(query.shape) == 3
    if flat:
        heads = (q_num_heads or 1, kv_num_heads or 1, kv_num_heads or 1)
        query, key, value = (
            one.moved(lambda places, n=n: places.unflatten(-1, (n, -1)).transpose(1, 2))
            for one, n in zip((query, key, value), heads, strict=True)
        )
    if query.shape[1] != key.shape[1]:
        times = query.shape[1] // key.shape[1]
        key, value = (one.moved(lambda places: places.repeat_interleave(times, 1)) for one in (key, value))
    made = attention.attention(build, query, key, value, scale)
    return made.moved(lambda places: places.transpose(1, 2).flatten(2)) if flat else made


@translates("Conv")
def convolution(
    build: Builder,
    x: Symbol,
    weight: Tensor,
    bias: Tensor | None = None,
    *,
    auto_pad: str = "NOTSET",
    dilations: Sequence[int] | None = None,
    group: int = 1,
    kernel_shape: Sequence[int] = (),
    pads: Sequence[int] | None = None,
    strides: Sequence[int] | None = None,
) -> Symbol:
    if not isinstance(x, Symbol) or not isinstance(weight, Tensor):
        raise build.refused("convolves with weights that depend on the input; that is not known")
    one = [1] * (weight.dim() - 2)
    steps, gaps = strides or one, dilations or one
    padding = paddings(auto_pad, pads, x.shape[2:], weight.shape[2:], steps, gaps)
    label = build.label_of(weight, "conv")
    return convolution_nd(build, x, weight, bias, steps, padding, gaps, group, label)


@translates("Sum")
def sum_(build: Builder, *tensors: Symbol | Tensor) -> Symbol:
    total = tensors[0]
    for tensor in tensors[1:]:
        total = elementwise.plus(build, total, tensor)
    assert isinstance(total, Symbol)
    return total
