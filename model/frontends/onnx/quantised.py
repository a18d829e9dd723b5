"""QuantizeLinear and DequantizeLinear: files that were quantised already, as by onnxruntime's static INT8.

A pair around a value changes no more of it than integers do anyway, but that it clamps: where the least
integer stands for 0, the pair is all that is left of a ReLU. Weights are constants that are dequantised;
their integers stay what they are.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from pointwise.model.frontends import elementwise
from pointwise.model.frontends.builder import RAW, Builder
from pointwise.model.frontends.expression import Affine, Call
from pointwise.model.frontends.rounded import Rounded
from pointwise.model.frontends.settle import settle
from pointwise.model.frontends.symbol import Symbol
from pointwise.model.graph.ops import Activation, Input, MaxPool, MeanPool, Slice, Softmax
from pointwise.model.integer.rounding import INT8

from .integers import Quantised
from .registry import translates
from .tables import as_numbers, of_table

KINDS = {0: torch.uint8, 2: torch.uint8, 3: torch.int8, 4: torch.uint16, 5: torch.int16}
"""Types by ONNX's numbers of them, where no zero point tells."""
REALS = (1, 10, 11, 16)
"""Types of real numbers by ONNX's numbers of them."""
BOUNDED = ("relu", "relu6", "sigmoid", "hardsigmoid")
"""Functions that are nowhere negative."""
STEPS, SIX, CLOSE = INT8[1] - INT8[0], 6.0, 1e-3
"""Steps of a byte; the end of a ReLU6, and the part of it by which a range may miss it."""
ELEMENTWISE = {"Add", "Div", "Erf", "Mul", "Pow", "Sigmoid", "Sub", "Tanh"}
"""What functions are spelled with; a value that one of them reads may be the middle of a function."""
MOVES = {
    "Concat",
    "Flatten",
    "Gather",
    "Identity",
    "MaxPool",
    "Reshape",
    "Slice",
    "Split",
    "Squeeze",
    "Transpose",
    "Unsqueeze",
}
"""Operators that choose among integers and make no others."""


@translates("QuantizeLinear")
def quantise(
    build: Builder,
    x: Symbol,
    scale: Tensor,
    zero: Tensor | None = None,
    *,
    axis: int = 1,
    block_size: int = 0,
    output_dtype: int = 0,
    **more: object,
) -> Quantised:
    if isinstance(scale, Symbol) or isinstance(zero, Symbol):
        raise build.refused("has a scale that depends on the input; give a file of fixed scales")
    if block_size or scale.numel() != 1:
        raise build.refused(
            f"has {scale.numel()} scales for a value that depends on the input, but one was expected; "
            "quantise activations per tensor"
        )
    if not isinstance(x, Symbol):
        raise build.refused("rounds what is no tensor of the network, a stage of a LayerNorm; leave it out")
    kind = KINDS.get(output_dtype, torch.uint8) if zero is None else zero.dtype
    if kind not in (torch.int8, torch.uint8):
        raise build.refused(f"makes {str(kind).removeprefix('torch.')}, but int8 or uint8 was expected")
    if not (float(scale) > 0 and math.isfinite(float(scale))):
        raise build.refused(
            f"has the scale {float(scale):.4g}, but a positive one was expected; quantise the file anew"
        )
    made = Quantised(x, scale.flatten()[0], None if zero is None else zero.flatten()[0], kind)
    if made.zero_point == INT8[0]:
        # Six is where no range ends but that of a ReLU6.
        six = abs(STEPS * float(scale) - SIX) < CLOSE * SIX
        if not _is_positive(build, x, float(scale)) or (six and not _is_bounded(build, x)):
            made = replace(made, symbol=elementwise.apply(build, x, functional.relu6 if six else torch.relu))
    build.rounded.append(Rounded(build.reads, made.symbol, float(scale), made.zero_point))
    return made


@translates("DequantizeLinear")
def dequantise(
    build: Builder,
    x: Quantised | Symbol,
    scale: Tensor,
    zero: Tensor | None = None,
    *,
    axis: int = 1,
    **more: object,
) -> Symbol:
    if isinstance(scale, Symbol):
        raise build.refused("has a scale that depends on the input; give a file of fixed scales")
    if isinstance(x, Symbol):
        # An input of integers: the network's is what they stand for.
        x = quantise(build, x, scale, zero)
    if x.looked_up:
        return of_table(build, x, float(scale), 0 if zero is None else int(zero))
    if scale.numel() != 1 or float(scale) != float(x.scale) or int(zero or 0) != int(x.zero or 0):
        raise build.refused("has another scale or zero point than the QuantizeLinear in front of it")
    _settle_whole(build, x.symbol)
    return x.symbol


@translates("Cast")
def cast(build: Builder, x: Symbol | Quantised, *, to: int = 1, **more: object) -> Symbol | Quantised:
    """Integers as numbers, or as integers of another width."""
    if isinstance(x, Symbol) or to not in REALS:
        return x
    if x.looked_up:
        raise build.refused("makes numbers of what a table has; give a file that dequantises it")
    _settle_whole(build, x.symbol)
    return elementwise.affine(build, x.symbol, 1 / float(x.scale), float(x.zero or 0))


def _settle_whole(build: Builder, symbol: Symbol) -> None:
    """Make an operator of a function that is whole: what reads it next would, perhaps of another view."""
    if isinstance(symbol.expression, Call) and not build.followers & ELEMENTWISE:
        settle(build, symbol, "rounds")


def moved(build: Builder, move: Callable[..., Any], inputs: Sequence[Any]) -> Any:
    """What an operator that only chooses makes of integers: the same of what they stand for.

    Raises:
        PointwiseError: it puts integers of different scales side by side.
    """
    given = [one for one in inputs if isinstance(one, Quantised)]
    if len(given) > 1 and all(one.looked_up for one in given):
        inputs = given = [as_numbers(build, one) for one in given]
    first = given[0]
    if any((one.scale, one.zero_point) != (first.scale, first.zero_point) for one in given):
        raise build.refused("puts integers of different scales side by side; give them one scale")
    for one in given:
        _settle_whole(build, one.symbol)
    made = move(*(one.symbol if isinstance(one, Quantised) else one for one in inputs))
    if isinstance(made, list):
        return [replace(first, symbol=one) for one in made]
    return replace(first, symbol=made)


def _is_positive(build: Builder, symbol: Symbol, step: float) -> bool:
    """Whether a value is known to be nowhere negative, but by less than half a step, which is rounded to 0.

    The network's own input is what it is given: what lies below its least integer is that integer.
    """
    expression = symbol.expression
    if not isinstance(expression, Affine):
        return False
    if not expression.trivial:
        factor, offset = (torch.as_tensor(part) for part in (expression.factor, expression.offset))
        if bool((factor <= 0).any()) or bool((offset <= -step / 2).any()):
            return False
    return all(name == RAW or _never_negative(build, name) for name in symbol.values)


def _is_bounded(build: Builder, symbol: Symbol) -> bool:
    """Whether a value is no greater than six, or the network's input, which is what it is given."""
    return all(name == RAW or _ends(build, name) in ("relu6", "sigmoid") for name in symbol.values)


def _never_negative(build: Builder, name: str) -> bool:
    return _ends(build, name) in BOUNDED


def _ends(build: Builder, name: str) -> str:
    """The function that made a value, also one that a pooling took the largest or the mean of."""
    op = build.ops[name]
    while isinstance(op, MaxPool | MeanPool | Slice):
        op = build.ops[op.inputs[0]]
    if isinstance(op, Softmax | Input):
        return "sigmoid"
    return op.function if isinstance(op, Activation) else getattr(op, "clamp", "")
