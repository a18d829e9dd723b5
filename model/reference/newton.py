"""The inverse square root of Scaled Quantization: Newton's method from a constant seed (section 5.1).

Algorithm 3 does not say how line 13 rounds. Rounding up gives the paper's Table 2 digit by digit (1, 5, 12,
25, 33), while rounding down or to the nearest gives 4 where it has 5. Y may grow beyond P bits here: the
paper's scale of 7 would otherwise end at 255/128, and no variance below a quarter could be normalised at all.

The seed 1/64 is far too small for small variances: an iteration multiplies y by at most 3/2, so that 20 of
them end at 52, the inverse root of 3.7e-4. For variances from 12288 on the first step is negative or zero.
"""

import numpy as np

from .scaled import P, Scaled, bits, overflow

SEED = (1, 6)
"""Y₀ and SY₀."""
ITERATIONS = 20
"""Of a LayerNorm (section 5.1)."""


def inverse_sqrt(x: Scaled, iterations: int = ITERATIONS) -> Scaled:
    """Algorithm 3: 1/√x, element by element; see ``iterates``."""
    return overflow(*iterates(x, iterations)[-1])


def iterates(x: Scaled, iterations: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return (Y_j, SY_j) for j = 0..iterations, int64, before any of them is cut to P bits.

    Args:
        x: positive; its integers have P bits.
    """
    y = np.full_like(x.integer, SEED[0])
    results = [(y, np.full_like(y, SEED[1]))]
    for index in range(iterations):
        # From the first result on y stands at scale SY₀ + 1: y³ is an eighth, 3y the half (lines 4, 9).
        first = index == 0
        cube = _cut(y**3)
        product = _cut(cube[0] * x.integer)
        middle, middle_scale = product[0], cube[1] + product[1] - (0 if first else 3)
        exponent = 2 * SEED[1] + x.scale - middle_scale - (0 if first else 1)
        difference, dropped = _cut(_shift(3 * y, exponent) - middle)
        places = 2 * SEED[1] + x.scale - middle_scale - dropped
        y = -_shift(-difference, -places)
        results.append((y, np.full_like(y, SEED[1] + 1)))
    return results


def newton_float(x: np.ndarray, iterations: int = ITERATIONS) -> np.ndarray:
    """Equation (9) in float64 from the same seed."""
    x = np.asarray(x, np.float64)
    y = np.full_like(x, SEED[0] / 2.0 ** SEED[1])
    for _ in range(iterations):
        y = y * (3 - x * y * y) / 2
    return y


def _cut(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Algorithm 1 without a scale: the P highest bits, and how many were dropped."""
    magnitude = np.abs(values)
    dropped = np.maximum(bits(magnitude) - P, 0)
    return np.sign(values) * (magnitude >> dropped), dropped


def _shift(values: np.ndarray, places: np.ndarray) -> np.ndarray:
    """values · 2^places, rounding down."""
    left, right = np.clip(places, 0, 40), np.clip(-places, 0, 62)
    return (values << left) >> right
