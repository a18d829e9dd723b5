"""Collisions of the loader and the streamer at the banks of the activation SRAM."""

from dataclasses import dataclass

import numpy as np

from hw.contract.config import CoreConfig


@dataclass(frozen=True)
class Reads:
    """Words that are read one a cycle.

    Attributes:
        first, stride: address of the first word, and words from one to the next (between groups of ``repeat`` words, which
            lie side by side and count as one place). count: words. repeat: words of a group.
    """

    first: int
    stride: int
    count: int
    repeat: int

    def span(self) -> tuple[int, int]:
        """The lowest and the highest address."""
        return self.first, self.first + (self.count - 1) // self.repeat * self.stride


def collisions(loader: Reads, streamer: Reads, delay: int, config: CoreConfig) -> int:
    """Cycles in which both want a word of the same bank.

    Args:
        delay: cycles by which the loader begins after the streamer.
    """
    words, banks = config.bank_words, config.act_banks
    ranges = [tuple(min(address // words, banks - 1) for address in reads.span()) for reads in (loader, streamer)]
    if ranges[0][1] < ranges[1][0] or ranges[1][1] < ranges[0][0]:
        return 0
    count = min(loader.count, streamer.count - delay)
    if count <= 0:
        return 0
    step = np.arange(count)
    wanted = (loader.first + step // loader.repeat * loader.stride) // words
    other = (streamer.first + (step + delay) * streamer.stride) // words
    return int(np.count_nonzero(np.minimum(wanted, banks - 1) == np.minimum(other, banks - 1)))
