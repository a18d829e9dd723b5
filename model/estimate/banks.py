"""Collisions of the loader and the streamer at the banks of the activation SRAM."""

from dataclasses import dataclass

import numpy as np

from pointwise.hw.contract.config import CoreConfig
from pointwise.hw.contract.isa import Conv, StationarySource
from pointwise.hw.contract.walks import ADDRESS_BITS


@dataclass(frozen=True)
class Reads:
    """Words that are read one a cycle.

    Attributes:
        first, stride: address of the first word, and words from one place to the next.
        count: words. group: words that are read at each place; they lie close together.
    """

    first: int
    stride: int
    count: int
    group: int = 1

    def banks(self, config: CoreConfig, begin: int, end: int) -> np.ndarray:
        """Banks of the words ``begin`` … ``end`` − 1."""
        places = np.arange(begin, end) // self.group
        return np.minimum((self.first + places * self.stride) // config.bank_words, config.act_banks - 1)


def stationary_reads(conv: Conv, n_tile: int, k_tile: int, config: CoreConfig) -> Reads:
    """The words of K or V that the loader takes for a tile."""
    rows, cols = config.rows, config.cols
    token, word = conv.stat_token_stride, conv.stat_word_stride
    if conv.stationary == StationarySource.KEYS:
        first = conv.stat_base + n_tile * cols * token + k_tile * word
        return Reads(first, token, min(cols, conv.n - n_tile * cols))
    words = max(1, cols // rows)
    first = conv.stat_base + k_tile * rows * token + n_tile * cols // rows * word
    return Reads(first, token, min(rows, conv.k - k_tile * rows) * words, words)


def collisions(loader: Reads, streamer: Reads, delay: int, config: CoreConfig) -> int:
    """Cycles in which both want a word of the same bank.

    Args:
        delay: cycles by which the loader begins after the streamer, 0 or more.
    """
    count = min(loader.count, streamer.count - delay)
    if count <= 0 or _apart(loader, streamer, config):
        return 0
    same = loader.banks(config, 0, count) == streamer.banks(config, delay, delay + count)
    return int(np.count_nonzero(same))


def share_a_bank(one: tuple[int, int], other: tuple[int, int], config: CoreConfig) -> bool:
    """Whether two stretches of words (first, last), addresses modulo 2^24, have a bank in common."""
    (a, b), (c, d) = (
        [place % (1 << ADDRESS_BITS) // config.bank_words for place in span] for span in (one, other)
    )
    return a <= d and c <= b


def _apart(one: Reads, other: Reads, config: CoreConfig) -> bool:
    """Whether no bank holds words of both, which is nearly always so."""
    spans = []
    for reads in (one, other):
        last = reads.first + (reads.count - 1) // reads.group * reads.stride
        spans.append([min(a // config.bank_words, config.act_banks - 1) for a in (reads.first, last)])
    return spans[0][1] < spans[1][0] or spans[1][1] < spans[0][0]
