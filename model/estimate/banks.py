"""Collisions at the banks of the activation SRAM: of loader and streamer, and of DMA with both."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from math import inf

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


@dataclass(frozen=True)
class Pass:
    """Words that are touched one a cycle, in equal steps from the first to the last.

    Attributes:
        first, last: their addresses, before they are taken modulo 2^24. begin: cycle of the first.
        cycles: how many it takes.
    """

    first: int
    last: int
    begin: float
    cycles: float

    def banks(self, config: CoreConfig) -> Iterator[tuple[int, float, float]]:
        """Banks, each with the cycle of its first word and the one behind its last."""
        size, reach = config.bank_words, self.last - self.first
        for number in range(self.first // size, self.last // size + 1):
            inside = [min(max(edge - self.first, 0), reach) for edge in (number * size, (number + 1) * size)]
            part = [edge / reach if reach else float(index) for index, edge in enumerate(inside)]
            bank = number * size % (1 << ADDRESS_BITS) // size
            yield bank, self.begin + part[0] * self.cycles, self.begin + part[1] * self.cycles


class BankSchedule:
    """When the ports of a bank are taken by who goes before DMA.

    Attributes:
        until: cycle up to which is known what the streamer reads.
    """

    def __init__(self, config: CoreConfig) -> None:
        self.config = config
        self.until = -inf
        self._taken: list[deque[tuple[float, float]]] = [deque() for _ in range(config.act_banks)]

    def take(self, touched: Pass) -> None:
        """Note what is touched; it begins no earlier than what was noted before, or little."""
        for bank, begin, end in touched.banks(self.config):
            if bank < len(self._taken):
                self._taken[bank].append((begin, end))

    def go(self, address: int, at: float, cycles: float) -> tuple[float, float]:
        """Touch a word's bank for some cycles from the cycle ``at`` on, when nobody else does.

        No call may ask for an earlier cycle than one before.

        Returns:
            Cycle behind the last one, or the one up to which the others are known; and cycles that are left.
        """
        taken = self._taken[min(address // self.config.bank_words, len(self._taken) - 1)]
        while taken and taken[0][1] <= at:
            taken.popleft()
        limit = self.until if self.until > at else inf
        for begin, end in chain(taken, [(limit, limit)]):
            free = max(0.0, min(begin, limit) - at)
            if cycles <= free:
                return at + cycles, 0.0
            cycles -= free
            at = min(max(at, end), limit)
            if at == limit:
                break
        return at, cycles


def _apart(one: Reads, other: Reads, config: CoreConfig) -> bool:
    """Whether no bank holds words of both, which is nearly always so."""
    spans = []
    for reads in (one, other):
        last = reads.first + (reads.count - 1) // reads.group * reads.stride
        spans.append([min(a // config.bank_words, config.act_banks - 1) for a in (reads.first, last)])
    return spans[0][1] < spans[1][0] or spans[1][1] < spans[0][0]
