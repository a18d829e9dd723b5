"""What an instruction reads and writes on chip: the base of bounds, waits and of what may not overlap."""

from dataclasses import dataclass, field

import numpy as np

from tests.independent.reference import picture
from tests.independent.reference.core import Core, ceil_div
from tests.independent.reference.fields import Conv, Dma, Instruction, Prologue, Space, StationarySource

Resource = Space | str
"""A memory, whose places are words; "max0", "max1", "statistics", by token; "sum0", "sum1", of one place."""


@dataclass
class Footprint:
    """Places by resource. A place may come up more than once.

    Attributes:
        reads: while the operands are fetched.
        late_reads: with the first write: the old values of an addition.
        writes: when results are complete; the reciprocals as soon as the exponentials have passed.
    """

    reads: dict[Resource, np.ndarray] = field(default_factory=dict)
    late_reads: dict[Resource, np.ndarray] = field(default_factory=dict)
    writes: dict[Resource, np.ndarray] = field(default_factory=dict)

    def words(self, space: Space) -> np.ndarray:
        """All words of a memory that come up."""
        parts = [places.get(space, np.empty(0, int)) for places in (self.reads, self.late_reads, self.writes)]
        return np.concatenate(parts)


def grid(base: int, outer: int, outer_stride: int, inner: int, inner_stride: int) -> np.ndarray:
    """Word addresses base + i·outer_stride + j·inner_stride, outer × inner."""
    return base + np.arange(outer)[:, None] * outer_stride + np.arange(inner) * inner_stride


def stationary_words(conv: Conv, core: Core) -> np.ndarray:
    """Addresses of K or V, tokens × words."""
    tokens, channels = (conv.n, conv.k) if conv.stationary == StationarySource.KEYS else (conv.k, conv.n)
    words = ceil_div(channels, core.rows)
    return grid(conv.stat_base, tokens, conv.stat_token_stride, words, conv.stat_word_stride)


def result_words(conv: Conv, core: Core) -> np.ndarray:
    """Addresses of the result, tokens × words."""
    return grid(
        conv.out_base, conv.tokens, conv.out_token_stride, ceil_div(conv.n, core.rows), conv.out_word_stride
    )


def added_words(conv: Conv, core: Core) -> np.ndarray:
    """Addresses of the old values of `add`, tokens × words."""
    return (result_words(conv, core) + conv.add_offset) % picture.ADDRESSES


def of(instruction: Instruction, core: Core) -> Footprint:
    """The footprint of an instruction. Addresses are not judged."""
    if isinstance(instruction, Conv):
        return _of_conv(instruction, core)
    found = Footprint()
    if isinstance(instruction, Dma):
        dma = instruction
        words = grid(dma.sram_base, dma.rows, dma.sram_stride, dma.words, 1).ravel()
        (found.reads if dma.store else found.writes)[Space(dma.space)] = words
    return found


def _of_conv(conv: Conv, core: Core) -> Footprint:
    found, tokens = Footprint(), conv.first_token + np.arange(conv.tokens)
    source = Space.RESIDUAL if conv.prologue == Prologue.NORMALISE else Space.ACTIVATION
    target = Space.RESIDUAL if conv.to_residual else Space.ACTIVATION
    found.reads[source] = picture.read_by_all(conv, core)
    if conv.stationary != StationarySource.STREAM:
        held = stationary_words(conv, core).ravel()
        found.reads[Space.ACTIVATION] = np.concatenate([found.reads.get(Space.ACTIVATION, held[:0]), held])
    if conv.prologue == Prologue.NORMALISE:
        found.reads["statistics"] = tokens
    if conv.prologue == Prologue.EXPONENTIAL:
        found.reads[f"max{conv.max_slot}"] = tokens
        found.writes[f"sum{conv.sum_slot}"] = np.array([0])
    found.writes[target] = result_words(conv, core).ravel()
    if conv.add:
        found.late_reads[target] = added_words(conv, core).ravel()
    if conv.row_max:
        found.writes[f"max{conv.max_slot}"] = tokens
    if conv.to_residual and conv.sums:
        found.writes["statistics"] = tokens
    return found
