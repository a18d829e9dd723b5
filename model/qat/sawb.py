"""Statistics-aware weight binning (SAWB; Choi et al., MLSys 2019, arXiv:1807.06964)."""

from functools import cache

import numpy as np
import torch
from torch import Tensor

from pointwise.hw.contract.errors import PointwiseError

from .base import Quantiser

POINTS = np.linspace(0, 24, 6001)
"""Where the densities are sampled, in units of their parameter."""
CANDIDATES = np.geomspace(0.2, 24, 400)
"""Clipping levels that are tried."""


class Sawb(Quantiser):
    """The clipping level that has the least squared error for weights of such a mean and mean square.

    α = c₁ · √E(w²) − c₂ · E|w| (equation 8), for each output channel; the step is α / high.
    """

    def __init__(self, bits: int, channels: int = 1, least: float | None = None) -> None:
        super().__init__(bits, channels, least)
        if least is not None:
            raise PointwiseError(
                "The quantiser sawb is for weights, which are symmetric, but was given GELU's results; "
                "choose lsq, pact or minmax for activations."
            )

    def step(self, rows: Tensor) -> Tensor:
        magnitude = rows.detach().abs()
        first, second = coefficients(self.high)
        mean = magnitude.mean(dim=1)
        level = first * magnitude.square().mean(dim=1).sqrt() - second * mean
        # For rows unlike any density of the fit: never wider than what is there, never below the ordinary.
        return torch.clamp(level, mean, magnitude.amax(dim=1)) / self.high


@cache
def coefficients(high: int) -> tuple[float, float]:
    """Return c₁ and c₂ for the integers −high..high.

    As in the paper (section 3.2): the best level for six densities, and a line through them. It prints the
    numbers of its own grids, which have no 0; those here belong to ours.
    """
    shapes, levels = [], []
    for density in _densities():
        weight = density / density.sum()
        mean = float(weight @ POINTS)
        shapes.append(float(np.sqrt(weight @ POINTS**2)) / mean)
        errors = [float(weight @ (POINTS - _rounded(level, high)) ** 2) for level in CANDIDATES]
        levels.append(CANDIDATES[int(np.argmin(errors))] / mean)
    slope, offset = np.polyfit(shapes, levels, 1)
    return float(slope), float(-offset)


def _rounded(level: float, high: int) -> np.ndarray:
    step = level / high
    return np.minimum(np.floor(POINTS / step + 0.5), high) * step


def _densities() -> list[np.ndarray]:
    """Gauss, Laplace, logistic, uniform, triangle and von Mises: one half each, as all are symmetric."""
    x = POINTS
    return [
        np.exp(-(x**2) / 2),
        np.exp(-x),
        1 / np.cosh(x / 2) ** 2,
        (x <= 1).astype(float),
        np.maximum(1 - x, 0),
        np.exp(np.cos(x)) * (x <= np.pi),
    ]
