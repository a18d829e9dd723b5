"""Sums of products as ONNX says them: the steps in which they count, their bias, and how they are rounded."""

import numpy as np

from pointwise.hw.contract.errors import PointwiseError
from pointwise.model.graph.ops import Conv2d, Linear, MatMul, MeanPool

from .onnx_graph import OnnxGraph, Tensor

INT32 = np.iinfo(np.int32)
DTYPES: dict[str, type[np.number]] = {"int8": np.int8, "uint8": np.uint8, "int16": np.float32}
"""Types of the graph's values in ONNX: the residual stream is left in float32."""
Sums = Linear | MatMul | Conv2d | MeanPool


def accumulator_steps(op: Sums, step: float) -> np.ndarray:
    """(N,) real values of one step before requantisation."""
    return op.mult.astype(np.float64) * 2.0 ** -op.shift.astype(np.float64) * step


def bias_of(graph: OnnxGraph, op: Linear | Conv2d, step: float, zero: int) -> str:
    """The bias, stored in steps of the accumulator, of products of numbers less their zero point.

    Args:
        step: of the result. zero: zero point of the input.

    Raises:
        PointwiseError: one does not fit 32 bits.
    """
    # The integer network has the zero points of its input and of its result in the bias.
    steps = accumulator_steps(op, step)
    weights = op.weight.reshape(len(op.weight), -1).sum(axis=1, dtype=np.int64)
    own = np.rint(op.quantisation.zero_point * step / steps).astype(np.int64)
    bias = op.bias.astype(np.int64) + zero * weights - own
    if bias.min() < INT32.min or bias.max() > INT32.max:
        raise PointwiseError(
            f"A bias of {op.name} does not fit 32 bits once the zero points are taken out; export it as "
            "numpy."
        )
    return graph.stored(f"{op.name}.bias", bias.astype(np.int32), steps, axis=0)


def real_bias(graph: OnnxGraph, op: MatMul | MeanPool, step: float) -> str:
    """The bias in real numbers, less the zero point of the result."""
    bias = op.bias * accumulator_steps(op, step) - op.quantisation.zero_point * step
    return graph.constant(f"{op.name}.bias", bias.astype(np.float32))


def rounded(graph: OnnxGraph, op: Sums, step: float, product: str, bias: str) -> Tensor:
    """Product and bias, rounded to 8 bits or left as they are."""
    dtype = DTYPES[op.dtype]
    if dtype is np.float32:
        value = graph.node("Add", [product, bias], f"{op.name}.real")
        return Tensor(value, len(op.bias), dtype, step, op.quantisation.zero_point)
    value = graph.node("Add", [product, bias], f"{op.name}.sum")
    scale = op.quantisation
    offset = float(np.mean(scale.offset))
    return graph.quantise(value, Tensor(op.name, len(op.bias), dtype, step, scale.zero_point, 0, offset))
