"""Parameterised clipping activation (PACT; Choi et al., arXiv:1805.06085)."""

import torch
from torch import Tensor, nn

from .base import TINY, Quantiser

DECAY = 1e-3
"""Weight of α² in the loss (section 3.1: α is regularised like weights, so that it comes down)."""


class Pact(Quantiser):
    """The clipping level α is learned; the step is α / high.

    Values beyond α tell it to grow (equation 3), the regularisation to shrink, and rounding tells it nothing.
    A signed tensor is clipped at −α too; one with a least value at that. α is learned over its first value,
    for the reason given in ``Lsq``.
    """

    start: Tensor

    def __init__(self, bits: int, channels: int = 1, least: float | None = None) -> None:
        super().__init__(bits, channels, least)
        self.factor = nn.Parameter(torch.ones(channels))
        self.register_buffer("start", torch.ones(channels))
        self.factor.register_hook(lambda gradient: gradient + 2 * DECAY * self.factor.detach())

    @torch.no_grad()
    def initialise(self, rows: Tensor) -> None:
        """α starts at the largest magnitude."""
        self.start.copy_(rows.abs().amax(dim=1).clamp(min=TINY))
        self.factor.fill_(1.0)
        self.keep(self.step(rows))

    def step(self, rows: Tensor) -> Tensor:
        """(α − least) / high; least is 0 where there is none."""
        return (self.level() - (self.least or 0.0)) / self.high

    def level(self) -> Tensor:
        """α, (channels,)."""
        return self.start * self.factor.abs()

    def forward(self, values: Tensor) -> Tensor:
        rows = self.rows(values)
        level = self.level()[:, None]
        step = self.keep(self.step(rows)).detach() if self.training else self.scale
        bottom = -level if self.least is None else torch.full_like(level, self.least)
        clipped = torch.minimum(torch.maximum(rows, bottom), level)
        rounded = self.fake(rows.detach(), step)
        return (clipped + (rounded - clipped).detach()).reshape(values.shape)
