"""The operators of a Vision Transformer in scaled numbers (Scaled Quantization, section 5).

Every intermediate result is checked for overflow, where the paper says so and between any two operations.
"""

import numpy as np

from . import scaled
from .newton import inverse_sqrt
from .scaled import Scaled

TANH_COEFFICIENTS = (0.797884, 0.035677)
"""√(2/π), and 0.044715 times it, in (16.1)."""
SHIFT_COEFFICIENTS = (Scaled(np.array(102), np.array(7)), Scaled(np.array(18), np.array(9)))
"""The same in A of (16.2)."""
ONE, HALF = Scaled(np.array(1), np.array(0)), Scaled(np.array(1), np.array(1))


def linear(x: Scaled, weight: Scaled, bias: Scaled) -> Scaled:
    """Equations (5) to (7), for a linear layer and for a convolution with kernel 1: (T, I), (O, I), (O,) to
    (T, O).

    One output channel at a time, as each needs T · I products.
    """
    columns = []
    for row in range(weight.integer.shape[0]):
        products = scaled.multiply(x, weight[row])
        columns.append(scaled.add(scaled.total(products), bias[row]))
    return Scaled(
        np.stack([column.integer for column in columns], axis=-1),
        np.stack([column.scale for column in columns], axis=-1),
    )


def depthwise(x: Scaled, weight: Scaled, bias: Scaled) -> Scaled:
    """A convolution with kernel 1 whose O output channels read one of I input channels each: weight (O,)."""
    inputs = x.integer.shape[-1]
    groups = np.arange(weight.integer.shape[0]) * inputs // weight.integer.shape[0]
    return scaled.add(scaled.multiply(x[..., groups], weight), bias)


def layer_norm(x: Scaled) -> Scaled:
    """Equation (4) over the last axis with γ = 1 and β = 0: (T, H).

    A token that is the same everywhere gives β, as the paper has it, and ε is not needed.
    """
    width = Scaled(np.array(x.integer.shape[-1]), np.array(0))
    mean = scaled.divide(scaled.total(x), width)
    centred = scaled.subtract(x, _spread(mean))
    variance = scaled.divide(scaled.total(scaled.multiply(centred, centred)), width)
    return scaled.multiply(centred, _spread(inverse_sqrt(variance)))


def softmax(x: Scaled) -> Scaled:
    """Equations (12) and (13) over the last axis: (1 + x + x²/2) over its sum.

    Read with both at scale 2·SX: the printed powers of two lack their plus signs. The numerators are cut to P
    bits, their sum is kept in the temporary of twice the size.
    """
    square = scaled.multiply(x, x)
    half = Scaled(square.integer, square.scale + 1)
    numerator = scaled.add(scaled.add(ONE, x), half)
    scale = numerator.scale.max(axis=-1, keepdims=True)
    whole = (numerator.integer << (scale - numerator.scale)).sum(axis=-1, keepdims=True)
    return scaled.divide(numerator, Scaled(whole, scale))


def gelu_tanh(x: Scaled) -> Scaled:
    """Equation (16.1), with the tanh of (15): 0.5x(1 + u − u³/3), u = 0.797884x + 0.035677x³."""
    first, third = (Scaled.of(np.array(value)) for value in TANH_COEFFICIENTS)
    u = scaled.add(scaled.multiply(first, x), scaled.multiply(third, _cube(x)))
    three = Scaled(np.array(3), np.array(0))
    return _gated(x, scaled.subtract(u, scaled.divide(_cube(u), three)))


def gelu_shift(x: Scaled, third: float = 1.0) -> Scaled:
    """Equation (16.2): 0.5x(1 + A + A³), A = 102x/2⁷ + 18x³/2⁹, as it is printed.

    Args:
        third: factor of A³. The series (15), from which the equation is said to follow, has −1/3.
    """
    linear_part, cubic_part = SHIFT_COEFFICIENTS
    a = scaled.add(scaled.multiply(linear_part, x), scaled.multiply(cubic_part, _cube(x)))
    return _gated(x, scaled.add(a, scaled.multiply(Scaled.of(np.array(third)), _cube(a))))


def _gated(x: Scaled, tanh: Scaled) -> Scaled:
    """0.5 · x · (1 + tanh)."""
    return scaled.multiply(scaled.multiply(HALF, x), scaled.add(ONE, tanh))


def _cube(x: Scaled) -> Scaled:
    return scaled.multiply(scaled.multiply(x, x), x)


def _spread(x: Scaled) -> Scaled:
    """(T,) to (T, 1)."""
    return Scaled(x.integer[..., None], x.scale[..., None])
