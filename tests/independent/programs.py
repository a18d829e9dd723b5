"""Random programs: legal instructions of every kind over memories that are defined in every lane.

The addresses of convolutions are random, and the output shows whatever an instruction did, and did not.
"""

from dataclasses import replace

import numpy as np

from tests.independent.completion import WORK, Completion
from tests.independent.operands import draw_norm, draw_operands
from tests.independent.pictures import draw_kernel, draw_picture, place_picture
from tests.independent.reference.core import ceil_div
from tests.independent.reference.fields import Base, Conv, Dma, Prologue, Space
from tests.independent.reference.footprint import of
from tests.independent.reference.overwriting import writes_what_it_reads_later
from tests.independent.transfers import Drawn


class Generator(Completion):
    """Draws the convolutions between."""

    def draw(self, count: int) -> Drawn:
        """A program of so many convolutions, or a few more."""
        steps = [self._plain, self._normalise, self._attention, self._follow, self._in_place, self.spill]
        while self.program.waits.convs < count:
            steps[self.rng.choice(len(steps), p=[0.5, 0.1, 0.1, 0.1, 0.1, 0.1])]()
        return self.finish()

    def _plain(self) -> None:
        """Over a picture, or over a row of tokens."""
        self._conv(Conv(in_unsigned=int(self.rng.integers(2))), seen=self.rng.integers(4) > 0)

    def _normalise(self) -> None:
        """Residuals with their statistics, and convolutions that normalise some of the tokens."""
        made = self._conv(Conv(to_residual=1, sums=1), seen=bool(self.rng.integers(2)))
        if made is None:
            return
        for _ in range(self.rng.integers(3)):
            start = int(self.rng.integers(0, made.tokens))
            here = Conv(prologue=Prologue.NORMALISE, shifts=int(self.rng.integers(2)))
            self._conv(self._parts(self._read(here, made, start)), keep=[made], placed=True)
        if made.out_token_stride == 1 and made.out_word_stride >= made.tokens:
            rows = ceil_div(made.n, self.core.rows)
            place = (0, made.out_base, rows, made.tokens, made.out_word_stride)
            stored = self.dma(Dma(True, Space.RESIDUAL, Base.OUTPUT, *place))
            self.program.dma(replace(stored, store=False))
            self._conv(self._read(Conv(prologue=Prologue.NORMALISE, chained=1), made), placed=True)

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

    def _parts(self, conv: Conv) -> Conv:
        """Often each N-tile reads some of the words only. Lanes without a channel are not for LayerNorm."""
        short = conv.k % self.core.rows and conv.prologue == Prologue.NORMALISE
        words = min(ceil_div(conv.k, self.core.rows), 4096 // self.core.rows)
        if short or self.rng.integers(2):
            return conv
        part = int(self.rng.integers(1, words + 1))
        step = int(self.rng.integers(0, words - part + 1))
        conv = replace(conv, k=part * self.core.rows, in_group_stride=step * conv.in_tile_stride)
        tiles = (words - part) // step + 1 if step else 1
        return replace(conv, n=int(self.rng.integers(1, min(tiles * self.core.cols, 4096) + 1)))

    def _attention(self) -> None:
        """Scores and contexts of one or two heads, in two slots; contexts of some of the tokens."""
        heads = []
        for slot in range(self.rng.integers(1, 3)):
            scores, seen = Conv(row_max=1, max_slot=slot), bool(self.rng.integers(2))
            heads += filter(None, [self._conv(scores, keep=heads, seen=seen)])
        for conv in heads:
            context = Conv(
                prologue=Prologue.EXPONENTIAL,
                max_slot=conv.max_slot,
                sum_slot=int(self.rng.integers(2)),
                divide=int(self.rng.integers(4) > 0),
            )
            start = int(self.rng.integers(0, conv.tokens))
            self._conv(self._parts(self._read(context, conv, start)), keep=heads, placed=True)

    def _follow(self) -> None:
        """A LOAD, and a convolution that begins while it is at work."""
        base, size = self.places.windows[Space.ACTIVATION]
        tokens = int(self.rng.integers(1, min(self.core.max_tokens, size) + 1))
        rows = int(self.rng.integers(1, size // tokens + 1))
        stride = int(self.rng.integers(tokens, size // rows + 1))
        self.dma(Dma(False, Space.ACTIVATION, Base.INPUT, 0, base, rows, tokens, stride))
        k = min((rows - 1) * self.core.rows + int(self.rng.integers(1, self.core.rows + 1)), 4096)
        conv = Conv(tokens=tokens, k=k, chained=1, in_base=base, in_token_stride=1, in_tile_stride=stride)
        if self.rng.integers(2):
            seen = draw_picture(self.rng, draw_kernel(self.rng, conv), self.core.max_tokens)
            conv = place_picture(self.rng, seen, self.core, (base, tokens), stride) or conv
        self._conv(conv, placed=True)

    def _in_place(self) -> None:
        """With one N-tile, a result may replace words that its token has in the last K-tile."""
        k, n, tokens = self.places.size(300), self.places.size(self.core.cols), self.places.size(16)
        words = ceil_div(max(k, n), self.core.rows)
        here = self.places.apart(Space.ACTIVATION, min(tokens, self.core.max_tokens), words)
        if here is None:
            return
        conv = Conv(tokens=min(tokens, self.core.max_tokens), k=k, n=n, in_base=here.base, out_base=here.base)
        conv.in_token_stride = conv.out_token_stride = here.token
        conv.in_tile_stride = conv.out_word_stride = here.word
        before = here.base - self.places.windows[Space.ACTIVATION][0]
        if before and self.rng.integers(2):  # the last tap is the token itself
            conv.extra_taps = int(self.rng.integers(1, min(before, 4) + 1))
            conv.in_tap_stride = int(self.rng.integers(0, before // conv.extra_taps + 1))
            conv.in_base -= conv.extra_taps * conv.in_tap_stride
        if (conv.extra_taps + 1) * max(n, conv.tokens) * k <= WORK and not writes_what_it_reads_later(
            conv, self.core
        ):
            self.program.conv(conv, draw_operands(self.rng, conv, self.core))

    def _conv(
        self, conv: Conv, keep: list[Conv] = (), placed: bool = False, seen: bool = False
    ) -> Conv | None:
        """Draws what is left open, and emits it.

        `placed`: tokens, K and where they lie are given. `seen`: the tokens are a picture.

        Results of `keep` are not written over. None where there was no room in several attempts.
        """
        for _ in range(20):
            found = self.complete(replace(conv), placed, seen)
            if found and self._emit(found, keep):
                return found
        return None

    def exactly(self, conv: Conv) -> bool:
        """Emits a convolution of given sizes and flags at random addresses; whether there was room."""
        for _ in range(100):
            found = self.place(replace(conv, **(draw_norm(self.rng, conv.n) if conv.sums else {})), False)
            if found and self._emit(found, []):
                return True
        return False

    def _emit(self, conv: Conv, keep: list[Conv]) -> bool:
        """Emits a convolution unless it writes over what it reads later, or results that are to be kept."""
        marks, target = of(conv, self.core), Space(conv.to_residual)
        nothing = np.empty(0, int)
        busy = [nothing, *(of(other, self.core).writes.get(target, nothing) for other in keep)]
        if np.isin(marks.writes[target], np.concatenate(busy)).any():
            return False
        overlap = np.isin(marks.writes[target], marks.reads.get(target, nothing)).any()
        if overlap and writes_what_it_reads_later(conv, self.core):
            return False
        self.program.conv(conv, draw_operands(self.rng, conv, self.core))
        return True
