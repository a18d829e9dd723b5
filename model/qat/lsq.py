"""Learned step size quantisation (LSQ; Esser et al., ICLR 2020, arXiv:1902.08153)."""

import math

import torch
from torch import Tensor, nn

from .base import TINY, Quantiser


class Lsq(Quantiser):
    """The step is learned with the weights, by the gradient that rounding leaves it (equation 3).

    What is learned is the step over its first value, so that an optimiser which moves every parameter by
    about its learning rate (Adam) changes small and large steps in proportion.
    """

    start: Tensor

    def __init__(self, bits: int, channels: int = 1, least: float | None = None) -> None:
        super().__init__(bits, channels, least)
        self.factor = nn.Parameter(torch.ones(channels))
        self.register_buffer("start", torch.ones(channels))

    @torch.no_grad()
    def initialise(self, rows: Tensor) -> None:
        """2 · mean|v| / √high (section 2.1); a step never starts beyond the one that holds every value."""
        first = 2 * rows.abs().mean(dim=1) / math.sqrt(self.high)
        self.start.copy_(torch.minimum(first, self.widest(rows)).clamp(min=TINY))
        self.factor.fill_(1.0)
        self.keep(self.start)

    def step(self, rows: Tensor) -> Tensor:
        # Section 2.2: steps learn as fast, for their size, as weights do.
        ease = 1 / math.sqrt(rows.shape[1] * self.high)
        factor = self.factor * ease + (self.factor * (1 - ease)).detach()
        return self.start * factor.abs()
