"""What calibration remembers of the pixels under a kernel: second moments of each group of a convolution.

Pixels side by side are alike. The weights of a kernel that looks for edges add up to next to nothing, and
what rounding each for itself makes of that sum is multiplied by all of the picture's brightness.
"""

import math

import numpy as np
import torch
from torch import Tensor

from pointwise.model.graph.ops import Conv2d
from pointwise.model.graph.window import as_picture

from .moments import Moments

MOST_INPUTS = 600
"""Of one sum. Of more the moments are too many to keep, and averages over so many make up for less."""
POSITIONS = 1024
"""About how many places of the kernel are looked at of a batch of images."""


class WindowRecord:
    """Of a convolution's inputs, group by group.

    Args:
        op: the convolution, of real numbers.
    """

    def __init__(self, op: Conv2d) -> None:
        self.window, self.groups = op.window, op.groups
        inputs = int(np.prod(op.weight.shape[1:]))
        self._count = 0
        self._sums = torch.zeros(op.groups, inputs, dtype=torch.float64)
        self._second = torch.zeros(op.groups, inputs, inputs, dtype=torch.float64)

    @staticmethod
    def wanted(op: Conv2d) -> bool:
        """Whether the moments of that convolution are kept."""
        return math.prod(op.weight.shape[1:]) <= MOST_INPUTS

    def update(self, values: Tensor) -> None:
        """Take in pictures (images, pixels, channels)."""
        rows = self._rows(values)
        self._count += rows.shape[1]
        self._sums += rows.sum(dim=1, dtype=torch.float64)
        self._second += (rows.mT @ rows).double()

    def _rows(self, values: Tensor) -> Tensor:
        """Some places of the kernel, (groups, places, inputs of one sum)."""
        window, picture = self.window, as_picture(self.window, values)
        each = max(1, POSITIONS // len(picture))
        chosen = torch.linspace(0, window.out_tokens - 1, min(each, window.out_tokens)).long()
        lines, columns = (
            first * step + apart * torch.arange(taps)[:, None]
            for first, step, apart, taps in zip(
                (chosen // window.out_size[1], chosen % window.out_size[1]),
                window.stride,
                window.dilation,
                window.kernel,
                strict=True,
            )
        )
        # (images, channels, lines of the kernel, taps of a line, places)
        found = picture[:, :, lines[:, None], columns[None]]
        found = found.flatten(2, 3).unflatten(1, (self.groups, -1))
        return found.permute(1, 0, 4, 2, 3).flatten(3).flatten(1, 2)

    def moments(self, group: int, scale: np.ndarray) -> Moments:
        """Of one group's inputs in steps ``scale`` (inputs,)."""
        mean, second = self._sums[group].numpy() / self._count, self._second[group].numpy() / self._count
        second = second / np.outer(scale, scale)
        return Moments(mean / scale, np.diag(second).copy(), second)
