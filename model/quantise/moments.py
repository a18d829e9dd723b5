"""First and second moments of a convolution's input: what the rounding of its weights is judged by."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch

from pointwise.hw.contract.errors import PointwiseError

ROUNDING_POWER = 1 / 12
"""Mean square, in squared steps, of the rounding error of each input."""
DAMPINGS = (0.1, 1.0)
"""Parts of the mean power that are added to each input's, the least with which the matrix can be inverted. In
directions in which the calibration images hold next to nothing others may hold more, and a rounding that
counts on that errs more than one to the nearest: on a trained DINOv2 a tenth is worth 2 dB of the features
against none. (GPTQ's authors add a hundredth, which is worth 1.5.)"""


@dataclass(frozen=True)
class Moments:
    """Of the input of one convolution, in its integer steps, without the zero point.

    Attributes:
        mean: (K,). power: (K,) mean square. second: (K, K) mean of the products of any two, or None where it
            was not recorded.
    """

    mean: np.ndarray
    power: np.ndarray
    second: np.ndarray | None = None

    def reordered(self, order: np.ndarray) -> "Moments":
        """The same of an input whose channels come in another order, (K,)."""
        second = None if self.second is None else self.second[np.ix_(order, order)]
        return Moments(self.mean[order], self.power[order], second)

    @cached_property
    def plain(self) -> "ErrorMatrix":
        """The error of an output whose bias stays as it is."""
        return ErrorMatrix(self, corrected=False)

    @cached_property
    def corrected(self) -> "ErrorMatrix":
        """The error of an output whose bias takes out the mean error."""
        return ErrorMatrix(self, corrected=True)


@dataclass(frozen=True)
class ErrorMatrix:
    """G such that weights that are wrong by d (K,) make the output wrong by d·G·d, mean square.

    Attributes:
        moments: of the input. corrected: the bias takes the mean error out.
    """

    moments: Moments
    corrected: bool

    @cached_property
    def importance(self) -> np.ndarray:
        """The diagonal, (K,): the power of each input, its own rounding error included."""
        moments = self.moments
        power = np.maximum(moments.power - moments.mean**2, 0) if self.corrected else moments.power
        return power + ROUNDING_POWER

    @cached_property
    def matrix(self) -> np.ndarray:
        """G, (K, K) float64, positive definite. Inputs without ``second`` count as independent."""
        moments = self.moments
        if moments.second is None:
            return np.diag(self.importance)
        matrix = moments.second + ROUNDING_POWER * np.eye(len(moments.mean))
        return matrix - np.outer(moments.mean, moments.mean) if self.corrected else matrix

    @cached_property
    def elimination(self) -> tuple[np.ndarray, np.ndarray]:
        """Order of the columns, most important first; in it, the upper Cholesky factor of G's inverse."""
        order = np.argsort(-np.diag(self.matrix), kind="stable")
        matrix = self.matrix[np.ix_(order, order)]
        for damping in DAMPINGS:
            damped = matrix + damping * np.diag(matrix).mean() * np.eye(len(matrix))
            # Backwards, H = R·Rᵀ with R an upper triangle, whose inverse is that factor of H's inverse.
            lower, failed = torch.linalg.cholesky_ex(torch.from_numpy(damped).flip(0, 1))
            if not failed and bool(torch.isfinite(lower).all()):
                unit = torch.eye(len(matrix), dtype=torch.float64)
                factor = torch.linalg.solve_triangular(lower.flip(0, 1), unit, upper=True)
                return order, factor.numpy()
        raise PointwiseError(
            "The inputs of a layer are too far from each other in size to round its weights by them; check "
            'the weights and the images, or choose rounding = "nearest" in a recipe.'
        )
