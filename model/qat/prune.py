"""N:M pruning: of every M weights in a row, at most N are not zero."""

import re
from typing import Any

import torch
from torch import Tensor, nn

from pointwise.hw.contract.errors import PointwiseError

DECAY = 2e-4
"""λ of SR-STE: how strongly weights that are cut are drawn towards zero, so that the choice settles."""


class _Cut(torch.autograd.Function):
    """Zero where the mask is 0; every weight keeps its gradient, and those cut also shrink (SR-STE)."""

    @staticmethod
    def forward(ctx: Any, weight: Tensor, mask: Tensor) -> Tensor:
        ctx.save_for_backward(weight, mask)
        return weight * mask

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        weight, mask = ctx.saved_tensors
        return gradient + DECAY * (1 - mask) * weight, None


class Pruner(nn.Module):
    """Keeps the N largest of every M consecutive input channels of a row (Zhou et al., ICLR 2021, SR-STE).

    The choice is made anew in every step of training; a last group of fewer than M channels keeps N too.
    """

    def __init__(self, keep: int, group: int) -> None:
        super().__init__()
        if not 1 <= keep <= group:
            raise PointwiseError(
                f"Pruning {keep}:{group} was asked for, but N of N:M must be from 1 to M, as in 2:4."
            )
        self.keep, self.group = keep, group

    @classmethod
    def parse(cls, text: str) -> "Pruner":
        """Return the pruner of ``N:M``; raises PointwiseError for other text."""
        if not (match := re.fullmatch(r"(\d+):(\d+)", text)):
            raise PointwiseError(f"Pruning {text!r} was asked for; write it as N:M, for example 2:4.")
        return cls(int(match[1]), int(match[2]))

    def mask(self, weight: Tensor) -> Tensor:
        """Return 1 where a weight (N, …) stays and 0 where it goes; of equal ones the first stays."""
        rows = weight.detach().flatten(1).abs()
        short = -rows.shape[1] % self.group
        # Padding is smaller than any magnitude, so that it never takes a place.
        groups = nn.functional.pad(rows, (0, short), value=-1.0).unflatten(1, (-1, self.group))
        order = groups.argsort(dim=-1, descending=True, stable=True)
        places = torch.zeros_like(groups).scatter_(-1, order[..., : self.keep], 1.0)
        return places.flatten(1)[:, : rows.shape[1]].reshape(weight.shape)

    def forward(self, weight: Tensor) -> Tensor:
        return _Cut.apply(weight, self.mask(weight))
