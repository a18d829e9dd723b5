"""``Arrangement``: which number of an input stands where in a network's rows of channels."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import Any

import numpy as np

from .window import Window

Axes = tuple[tuple[int, int], ...]
"""Axes, outermost first: (size, step in the flattened input)."""


@dataclass(frozen=True)
class Arrangement:
    """Rows that are picked from an input of any shape, such as the patches of an image.

    Attributes:
        shape: of one input, such as (colours, height, width).
        tokens, channels: axes that make up the rows, and the numbers of a row.
        first: the number of the flattened input in the first row's first channel.
        zero_rows: rows of zeros in front, as ``Input`` has them.
        padding: zeros around the last two axes, above, left, below and right. The steps are those of an input
            with them.
    """

    shape: tuple[int, ...]
    tokens: Axes
    channels: Axes
    first: int = 0
    zero_rows: int = 0
    padding: tuple[int, int, int, int] = (0, 0, 0, 0)

    @classmethod
    def of_patches(cls, colours: int, window: Window) -> "Arrangement":
        """Of the pixels under a kernel that goes over an image (colours, height, width): a row for each place
        of the kernel, colour by colour."""
        top, left, bottom, right = window.padding
        height, width = window.size[0] + top + bottom, window.size[1] + left + right
        (rows, columns), (lines, taps) = window.out_size, window.kernel
        (down, along), (apart_y, apart_x) = window.stride, window.dilation
        return cls(
            (colours, *window.size),
            ((rows, down * width), (columns, along)),
            ((colours, height * width), (lines, apart_y * width), (taps, apart_x)),
            padding=window.padding,
        )

    @classmethod
    def of_rows(cls, tokens: int, channels: int) -> "Arrangement":
        """Of an input that has this form already."""
        return cls((tokens, channels), ((tokens, channels),), ((channels, 1),))

    @property
    def row_shape(self) -> tuple[int, int]:
        """(tokens, channels), rows of zeros included."""
        rows = prod(size for size, _ in self.tokens)
        return self.zero_rows + rows, prod(size for size, _ in self.channels)

    @cached_property
    def _places(self) -> np.ndarray:
        """Of each row's channels in the flattened input, (rows, channels)."""
        return self.first + positions(self.tokens)[:, None] + positions(self.channels)

    def rows(self, inputs: np.ndarray) -> np.ndarray:
        """The rows of inputs (B, *shape): (B, tokens, channels) float64."""
        inputs = np.asarray(inputs, np.float64)
        if any(self.padding):
            top, left, bottom, right = self.padding
            outer = [(0, 0)] * (inputs.ndim - 2)
            inputs = np.pad(inputs, [*outer, (top, bottom), (left, right)])
        rows = np.zeros((len(inputs), *self.row_shape))
        rows[:, self.zero_rows :] = inputs.reshape(len(inputs), -1)[:, self._places]
        return rows

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "shape": list(self.shape),
            "tokens": [list(axis) for axis in self.tokens],
            "channels": [list(axis) for axis in self.channels],
            "first": self.first,
            "zero_rows": self.zero_rows,
            "padding": list(self.padding),
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Arrangement":
        """What ``to_dict`` gave."""

        def axes(name: str) -> Axes:
            return tuple((size, step) for size, step in values[name])

        return cls(
            tuple(values["shape"]),
            axes("tokens"),
            axes("channels"),
            values["first"],
            values["zero_rows"],
            tuple(values["padding"]),
        )


def positions(axes: Iterable[tuple[int, int]]) -> np.ndarray:
    """The places of all elements that axes name, the innermost axis fastest."""
    places = np.zeros(1, np.int64)
    for size, step in axes:
        places = (places[:, None] + step * np.arange(size)).ravel()
    return places


def axes_of(places: np.ndarray) -> Axes | None:
    """The axes whose ``positions`` are these places less the first, as few as there can be; None: there are
    none."""
    offsets, found = np.asarray(places, np.int64) - places[0], []
    while len(offsets) > 1:
        step = int(offsets[1])
        regular = offsets[1:] - offsets[:-1] == step
        size = len(offsets) if regular.all() else int(np.argmin(regular)) + 1
        if len(offsets) % size:
            return None
        blocks = offsets.reshape(-1, size)
        if not np.array_equal(blocks, blocks[:, :1] + step * np.arange(size)):
            return None
        found.append((size, step))
        offsets = blocks[:, 0]
    return tuple(reversed(found)) or ((1, 1),)
