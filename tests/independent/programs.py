"""Random programs: legal instructions of every kind over memories that are defined in every lane.

The addresses of convolutions are random, and the output shows whatever an instruction did, and did not.
"""

from dataclasses import replace

import numpy as np

from tests.independent.operands import draw_norm, draw_operands
from tests.independent.reference.core import ceil_div
from tests.independent.reference.fields import Base, Conv, Dma, Prologue, Space, Stationary
from tests.independent.reference.footprint import of
from tests.independent.transfers import Drawn, Transfers

WORK = 1 << 16
"""The most multiply-accumulates of weights, or of tokens, in one CONV: programs stay quick."""


class Generator(Transfers):
    """Draws the convolutions between."""

    def draw(self, count: int) -> Drawn:
        """A program of so many convolutions, or a few more."""
        steps = [self._plain, self._normalise, self._attention, self._follow, self._in_place, self.spill]
        while self.program.waits.convs < count:
            steps[self.rng.choice(len(steps), p=[0.25, 0.25, 0.2, 0.1, 0.1, 0.1])]()
        return self.finish()

    def _plain(self) -> None:
        self._conv(Conv(in_unsigned=int(self.rng.integers(2))))

    def _normalise(self) -> None:
        """Residuals with their statistics, and convolutions that normalise some of the tokens."""
        made = self._conv(Conv(to_residual=1, sums=1))
        if made is None:
            return
        for _ in range(self.rng.integers(3)):
            start = int(self.rng.integers(0, made.tokens))
            here = Conv(prologue=Prologue.NORMALISE, shifts=int(self.rng.integers(2)))
            self._conv(self._read(here, made, start), keep=[made], placed=True)
        if made.out_token_stride == 1 and made.out_word_stride >= made.tokens:
            rows = ceil_div(made.n, self.core.rows)
            place = (0, made.out_base, rows, made.tokens, made.out_word_stride)
            stored = self.dma(Dma(True, Space.RESIDUAL, Base.OUTPUT, *place))
            self.program.dma(replace(stored, store=False))
            self._conv(self._read(Conv(prologue=Prologue.NORMALISE, follow=1), made), placed=True)

    @staticmethod
    def _read(conv: Conv, made: Conv, start: int = 0) -> Conv:
        """A convolution that reads the result of another one, from one of its tokens on."""
        return replace(
            conv,
            tokens=made.tokens - start,
            first_token=made.first_token + start,
            k=made.n,
            in_base=made.out_base + start * made.out_token_stride,
            in_token_stride=made.out_token_stride,
            in_tile_stride=made.out_word_stride,
        )

    def _attention(self) -> None:
        """Scores and contexts of one or two heads, in two slots; contexts of some of the tokens."""
        heads = []
        for slot in range(self.rng.integers(1, 3)):
            heads += filter(None, [self._conv(Conv(row_max=1, max_slot=slot), keep=heads)])
        for conv in heads:
            context = Conv(
                prologue=Prologue.EXPONENTIAL,
                max_slot=conv.max_slot,
                sum_slot=int(self.rng.integers(2)),
                divide=int(self.rng.integers(4) > 0),
            )
            start = int(self.rng.integers(0, conv.tokens))
            self._conv(self._read(context, conv, start), keep=heads, placed=True)

    def _follow(self) -> None:
        """A LOAD, and a convolution that begins while it is at work."""
        base, size = self.places.windows[Space.ACTIVATION]
        tokens = int(self.rng.integers(1, min(self.core.max_tokens, size) + 1))
        rows = int(self.rng.integers(1, size // tokens + 1))
        stride = int(self.rng.integers(tokens, size // rows + 1))
        self.dma(Dma(False, Space.ACTIVATION, Base.INPUT, 0, base, rows, tokens, stride))
        k = min((rows - 1) * self.core.rows + int(self.rng.integers(1, self.core.rows + 1)), 4096)
        conv = Conv(tokens=tokens, k=k, follow=1, in_base=base, in_token_stride=1, in_tile_stride=stride)
        self._conv(conv, placed=True)

    def _in_place(self) -> None:
        """With one N-tile, the result of a token may replace the token's own words."""
        k, n, tokens = self.places.size(300), self.places.size(self.core.cols), self.places.size(16)
        words = ceil_div(max(k, n), self.core.rows)
        here = self.places.apart(Space.ACTIVATION, min(tokens, self.core.max_tokens), words)
        if here is None:
            return
        conv = Conv(tokens=min(tokens, self.core.max_tokens), k=k, n=n, in_base=here.base, out_base=here.base)
        conv.in_token_stride = conv.out_token_stride = here.token
        conv.in_tile_stride = conv.out_word_stride = here.word
        self.program.conv(conv, draw_operands(self.rng, conv, self.core))

    def _conv(self, conv: Conv, keep: list[Conv] = (), placed: bool = False) -> Conv | None:
        """Draws what is left open, and emits it; `placed`: tokens, K and where they lie are given.

        Results of `keep` are not written over. None where there was no room in several attempts.
        """
        for _ in range(20):
            found = self._complete(replace(conv), placed)
            if found and self._emit(found, keep):
                return found
        return None

    def exactly(self, conv: Conv) -> bool:
        """Emits a convolution of given sizes and flags at random addresses; whether there was room."""
        for _ in range(100):
            found = self._place(replace(conv, **(draw_norm(self.rng, conv.n) if conv.sums else {})), False)
            if found and self._emit(found, []):
                return True
        return False

    def _emit(self, conv: Conv, keep: list[Conv]) -> bool:
        """Emits a convolution unless it writes over what it reads, or results that are to be kept."""
        marks, target = of(conv, self.core), Space(conv.to_residual)
        nothing = np.empty(0, int)
        busy = [marks.reads.get(target, nothing)]
        busy += [of(other, self.core).writes.get(target, nothing) for other in keep]
        if np.isin(marks.writes[target], np.concatenate(busy)).any():
            return False
        self.program.conv(conv, draw_operands(self.rng, conv, self.core))
        return True

    def _complete(self, conv: Conv, placed: bool) -> Conv | None:
        """Sizes, flags and constants; then addresses."""
        rng, free = self.rng, self.core.max_tokens
        if not placed:
            conv.k, conv.tokens = self.places.size(4096), self.places.size(free)
        conv.n = self.places.size(4096)
        if max(conv.n, conv.tokens) * conv.k > WORK or conv.n * conv.tokens > WORK:
            return None
        if not conv.follow:
            conv.stationary = int(rng.choice([0, 0, 1, 2]))
        if conv.stationary == Stationary.STREAM:
            conv.packing = int(rng.integers(3))
        if not conv.row_max and not conv.sums:
            conv.to_residual = int(rng.integers(3) == 0)
            conv.sums = int(conv.to_residual and conv.prologue == Prologue.PLAIN and rng.integers(3) == 0)
        if conv.to_residual:
            conv.add = int(rng.integers(2))
        else:
            conv.table = int(rng.integers(2))
            conv.out_unsigned = int(not conv.row_max and rng.integers(3) == 0)
        if (conv.row_max or conv.sums) and conv.prologue == Prologue.PLAIN:
            conv.first_token = int(rng.integers(0, free - conv.tokens + 1))
        if conv.sums:
            conv = replace(conv, **draw_norm(rng, conv.n))
        return self._place(conv, placed)

    def _place(self, conv: Conv, placed: bool) -> Conv | None:
        """Addresses of everything that is read and written."""
        k_words, n_words = ceil_div(conv.k, self.core.rows), ceil_div(conv.n, self.core.rows)
        if not placed:
            here = self.places.anywhere(Space.ACTIVATION, conv.tokens, k_words)
            conv.in_base, conv.in_token_stride, conv.in_tile_stride = here.base, here.token, here.word
        if conv.stationary != Stationary.STREAM:
            keys = conv.stationary == Stationary.KEYS
            tokens, words = (conv.n, k_words) if keys else (conv.k, n_words)
            here = self.places.anywhere(Space.ACTIVATION, tokens, words)
            conv.stat_base, conv.stat_token_stride, conv.stat_word_stride = here.base, here.token, here.word
        here = self.places.apart(Space(conv.to_residual), conv.tokens, n_words)
        if here is None:
            return None
        conv.out_base, conv.out_token_stride, conv.out_word_stride = here.base, here.token, here.word
        return conv
