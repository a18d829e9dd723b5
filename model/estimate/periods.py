"""Finding that a program repeats itself, as the blocks of a transformer do."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from operator import attrgetter

import numpy as np

from pointwise.hw.contract.config import CoreConfig
from pointwise.hw.contract.isa import Conv, Dma, Instruction

_COUNTS = ("wait_conv", "wait_dma", "post_wait_dma")
"""Fields that count from the beginning of the program."""
_ALIKE = attrgetter(*(field.name for field in fields(Conv) if field.name not in (*_COUNTS, "stream_offset")))


@dataclass(frozen=True)
class Period:
    """Convolutions ``first`` to ``end`` - 1 of a program, of which each is like the one ``length`` before it.

    No other instruction is between them. The first ``length`` of them are what the others are like.

    Attributes:
        convs: all convolutions of the program.
    """

    convs: tuple[Conv, ...]
    first: int = 0
    end: int = 0
    length: int = 1

    def more(self, number: int, ahead: int) -> int:
        """How many periods follow convolution ``number``, with ``ahead`` more that are like theirs."""
        return max(0, (self.end - ahead - number - 1) // self.length)


def period_of(program: Sequence[Instruction], config: CoreConfig) -> Period:
    """The period that covers the most convolutions of a program.

    Two are alike where they do the same at the same places of the chip, wait for what is as long before them,
    and their streams begin in the same beat of a burst.
    """
    convs = tuple(instruction for instruction in program if isinstance(instruction, Conv))
    burst = config.axi_burst * config.bus_bytes
    numbers: dict[tuple, int] = {}
    kinds, runs, loads = [], [], 0
    for instruction in program:
        if isinstance(instruction, Dma):
            loads += 1
        elif isinstance(instruction, Conv):
            waits = (
                instruction.wait_conv and instruction.wait_conv - len(kinds),
                instruction.wait_dma - loads,
                instruction.post_wait_dma - loads,
            )
            key = (_ALIKE(instruction), waits, instruction.stream_offset % burst)
            kinds.append(numbers.setdefault(key, len(numbers)))
            runs.append(loads)
    kind, run = np.array(kinds), np.array(runs)
    best = Period(convs)
    for length in range(1, len(kinds) // 2):
        alike = (kind[length:] == kind[:-length]) & (run[length:] == run[:-length])
        first, end = _longest(alike)
        if end - first >= length and end - first > best.end - best.first - best.length:
            best = Period(convs, first, end + length, length)
    return best


def _longest(flags: np.ndarray) -> tuple[int, int]:
    """The longest run of true flags: its first, and the one behind its last."""
    edges = np.flatnonzero(np.diff(np.concatenate(([0], flags.astype(np.int8), [0]))))
    firsts, ends = edges[::2], edges[1::2]
    if not len(firsts):
        return 0, 0
    longest = int(np.argmax(ends - firsts))
    return int(firsts[longest]), int(ends[longest])
