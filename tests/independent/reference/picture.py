"""Where a CONV finds its streamed operand: addresses of words, and what lies outside of the picture."""

from dataclasses import dataclass

import numpy as np

from tests.independent.reference.core import Core, ceil_div
from tests.independent.reference.fields import Conv

ADDRESSES = 1 << 24
"""Addresses of streamed words, and of those that are added to, are taken modulo this."""
PLACES = 1 << 12
"""Columns and rows of places are taken modulo this, in two's complement."""


@dataclass(frozen=True)
class Sizes:
    """How often each loop of a CONV runs."""

    tiles: int  # N-tiles
    words: int  # of R channels
    lines: int  # of taps
    taps: int  # of a line
    tokens: int

    @classmethod
    def of(cls, conv: Conv, core: Core) -> "Sizes":
        return cls(
            tiles=ceil_div(conv.n, core.cols),
            words=ceil_div(conv.k, core.rows),
            lines=conv.extra_lines + 1,
            taps=conv.extra_taps + 1,
            tokens=conv.tokens,
        )

    @property
    def kernel(self) -> int:
        """Taps in all lines."""
        return self.lines * self.taps


def pixels(conv: Conv) -> tuple[np.ndarray, np.ndarray]:
    """Column x and row y of each token."""
    token = np.arange(conv.tokens)
    return (token % conv.row_tokens, token // conv.row_tokens) if conv.row_tokens else (token, 0 * token)


def kernel(conv: Conv) -> tuple[np.ndarray, np.ndarray]:
    """Tap u and line v of each tap, line by line."""
    index = np.arange((conv.extra_taps + 1) * (conv.extra_lines + 1))
    return index % (conv.extra_taps + 1), index // (conv.extra_taps + 1)


def group_tiles(core: Core) -> int:
    """N-tiles of a group: those with the channels of one word, where there are several."""
    return max(1, core.rows // core.cols)


def addresses(conv: Conv, core: Core, tile: int = 0) -> np.ndarray:
    """Of the streamed words of an N-tile: words × taps × tokens, in the order in which they are read."""
    (x, y), (u, v) = pixels(conv), kernel(conv)
    words = np.arange(ceil_div(conv.k, core.rows))[:, None, None]
    token = x * conv.in_token_stride + y * conv.in_row_stride
    tap = (u * conv.in_tap_stride + v * conv.in_tap_row_stride)[:, None]
    group = tile // group_tiles(core)
    start = conv.in_base + group * conv.in_group_stride + words * conv.in_tile_stride
    return (start + tap + token) % ADDRESSES


def inside(conv: Conv) -> np.ndarray:
    """Whether a word is read, taps × tokens: not with a place outside of a padded picture."""
    (x, y), (u, v) = pixels(conv), kernel(conv)
    if not conv.padded:
        return np.ones((u.size, x.size), bool)
    column = _signed(conv.first_x + x * conv.step_x + (u * conv.dilation_x)[:, None])
    row = _signed(conv.first_y + y * conv.step_y + (v * conv.dilation_y)[:, None])
    return (column >= 0) & (column < conv.in_width) & (row >= 0) & (row < conv.in_height)


def _signed(place: np.ndarray) -> np.ndarray:
    """The lowest 12 bits in two's complement."""
    return (place + PLACES // 2) % PLACES - PLACES // 2


def read(conv: Conv, core: Core, tile: int = 0) -> np.ndarray:
    """The addresses that an N-tile streams from, each word of them as often as it is read."""
    return addresses(conv, core, tile)[:, inside(conv)].ravel()


def read_by_all(conv: Conv, core: Core) -> np.ndarray:
    """The addresses that any N-tile streams from, once each and sorted."""
    tiles = Sizes.of(conv, core).tiles if conv.in_group_stride else 1
    first = np.unique(read(conv, core))
    step = np.arange(ceil_div(tiles, group_tiles(core)))[:, None] * conv.in_group_stride
    return np.unique((first + step) % ADDRESSES)
