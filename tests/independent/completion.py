"""What is left open of a random convolution: its sizes, its flags, and where everything lies."""

from dataclasses import replace

import numpy as np

from tests.independent.operands import draw_norm
from tests.independent.pictures import draw_kernel, draw_picture, place_picture
from tests.independent.reference import picture
from tests.independent.reference.core import ceil_div
from tests.independent.reference.fields import Conv, Prologue, Space, StationarySource
from tests.independent.reference.footprint import result_words
from tests.independent.transfers import Transfers

WORK = 1 << 16
"""The most multiply-accumulates of weights, or of tokens, in one CONV: programs stay quick."""


class Completion(Transfers):
    """Completes convolutions."""

    def complete(self, conv: Conv, placed: bool, seen: bool) -> Conv | None:
        """Sizes, flags and constants; then addresses."""
        rng, free = self.rng, self.core.max_tokens
        if not conv.chained:
            conv.stationary = int(rng.choice([0, 0, 0, 1, 2]))
        if conv.stationary == StationarySource.STREAM:
            conv.diagonal = int(rng.integers(3) == 0)
            conv.maximum = int(conv.diagonal and rng.integers(3) == 0)
            conv.packing = 0 if conv.diagonal else int(rng.integers(3))
        if not placed:
            conv.tokens = self.places.size(free)
            if seen:
                conv = draw_picture(rng, draw_kernel(rng, conv), free)
        most = min(max(WORK // (taps(conv) * 2), 1), 4096)
        if not conv.in_group_stride:
            conv.n = self.places.size(most)
        if not placed:
            depthwise = conv.diagonal and rng.integers(2)
            conv.k = max(self.core.rows, self.core.cols) if depthwise else self.places.size(most)
        elif conv.prologue != Prologue.PLAIN:
            in_rows(rng, conv)
        if max(conv.n, conv.tokens) * conv.k * taps(conv) > WORK or conv.n * conv.tokens > WORK:
            return None
        self._draw_results(conv)
        if (conv.row_max or conv.sums) and conv.prologue == Prologue.PLAIN:
            conv.first_token = int(rng.integers(0, free - conv.tokens + 1))
        if conv.sums:
            conv = replace(conv, **draw_norm(rng, conv.n))
        return self.place(conv, placed)

    def _draw_results(self, conv: Conv) -> None:
        """What happens to the sums."""
        rng = self.rng
        if not conv.row_max and not conv.sums:
            conv.to_residual = int(rng.integers(3) == 0)
            conv.sums = int(conv.to_residual and conv.prologue == Prologue.PLAIN and rng.integers(3) == 0)
        conv.add = int(rng.integers(2))
        if not conv.to_residual:
            conv.table = int(not conv.add and rng.integers(2))
            conv.out_unsigned = int(not conv.row_max and rng.integers(3) == 0)
        if conv.add and not conv.to_residual:
            conv.add_unsigned, conv.add_factor, conv.add_shift = map(int, rng.integers(0, [2, 8, 8]))

    def place(self, conv: Conv, placed: bool) -> Conv | None:
        """Addresses of everything that is read and written."""
        k_words, n_words = ceil_div(conv.k, self.core.rows), ceil_div(conv.n, self.core.rows)
        if not placed:
            if not (taps(conv) > 1 or conv.padded or conv.row_tokens):
                conv.in_token_stride = self.places.anywhere(Space.ACTIVATION, conv.tokens, k_words).token
            conv = place_picture(self.rng, conv, self.core, self.places.windows[Space.ACTIVATION])
            if conv is None:
                return None
        if conv.stationary != StationarySource.STREAM:
            keys = conv.stationary == StationarySource.KEYS
            tokens, words = (conv.n, k_words) if keys else (conv.k, n_words)
            here = self.places.anywhere(Space.ACTIVATION, tokens, words)
            conv.stat_base, conv.stat_token_stride, conv.stat_word_stride = here.base, here.token, here.word
        here = self.places.apart(Space(conv.to_residual), conv.tokens, n_words)
        if here is None:
            return None
        conv.out_base, conv.out_token_stride, conv.out_word_stride = here.base, here.token, here.word
        if conv.add and self.rng.integers(2):
            self._add_elsewhere(conv)
        return conv

    def _add_elsewhere(self, conv: Conv) -> None:
        """Adds to other words than those that are written, where there is room for them."""
        base, size = self.places.windows[Space(conv.to_residual)]
        results = result_words(conv, self.core)
        for _ in range(5):
            offset = int(self.rng.integers(base - results.min(), base + size - results.max()))
            if not np.isin(results + offset, results).any():
                conv.add_offset = offset % picture.ADDRESSES


def in_rows(rng: np.random.Generator, conv: Conv) -> None:
    """The same words of the same tokens, often as those of a picture of several rows."""
    columns = int(rng.choice([d for d in range(1, conv.tokens + 1) if conv.tokens % d == 0]))
    if rng.integers(2) and columns * conv.in_token_stride < 1 << 16:
        conv.row_tokens, conv.in_row_stride = columns, columns * conv.in_token_stride


def taps(conv: Conv) -> int:
    """Taps in all lines."""
    return (conv.extra_taps + 1) * (conv.extra_lines + 1)
