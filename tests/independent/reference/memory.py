"""The on-chip memories, the blocks in DRAM, and what moves words between them."""

from collections.abc import Iterator

import numpy as np

from tests.independent.reference.arithmetic import Statistics
from tests.independent.reference.core import Code, Core, CoreError, ceil_div
from tests.independent.reference.fields import Base, Conv, Dma, Space


class OnChip:
    """Everything that one instruction leaves for another.

    Contents are undefined before they are written. Here they are noise, so that a program shows that depends
    on them.

    Attributes:
        activation, residual: words × R lanes, int8 and int16.
        row_max: slots × tokens, int8 range.
        reciprocals: slots × (mult, exponent) × tokens, for `divide`.
        statistics: for NORMALISE, each part by token.
    """

    def __init__(self, core: Core, seed: int = 0):
        noise = np.random.default_rng(seed)
        self.core = core
        self.activation = noise.integers(-128, 128, (core.act_words, core.rows), np.int8)
        self.residual = noise.integers(-32768, 32768, (core.res_words, core.rows), np.int16)
        self.row_max = noise.integers(-128, 128, (2, core.max_tokens))
        self.reciprocals = noise.integers(0, 16, (2, 2, core.max_tokens))
        self.statistics = Statistics(*noise.integers(1, 48, (3, core.max_tokens)))

    def space(self, space: int) -> np.ndarray:
        return self.residual if space == Space.RESIDUAL else self.activation


class Dram:
    """The three windows that a run may touch, as uint8 arrays of their lengths.

    A transfer that does not lie in its window, in whole beats, raises CoreError(WINDOW).
    """

    def __init__(self, image: np.ndarray, data: np.ndarray, output: np.ndarray):
        self.blocks = {Base.IMAGE: image, Base.INPUT: data, Base.OUTPUT: output}

    def stream(self, conv: Conv, core: Core) -> np.ndarray:
        """The bytes of a stationary stream."""
        return self._window(Base.IMAGE, conv.stream_offset, conv.stream_beats * core.bus_bytes)

    def _window(self, base: int, offset: int, count: int) -> np.ndarray:
        block = self.blocks[Base(base)]
        if offset >= 1 << 32 or offset + count > block.size:
            raise CoreError(Code.WINDOW, f"byte {offset + count - 1} is not in the {Base(base).name} window")
        return block[offset : offset + count]

    def load(self, dma: Dma, chip: OnChip) -> None:
        """A LOAD: whole words; the bytes behind R lanes are dropped."""
        memory = chip.space(dma.space)
        kind = memory.dtype.newbyteorder("<")
        size = dma.words * word_bytes(dma, chip.core)
        for words, place in self._rows(dma, size, chip.core):
            lanes = place[:size].view(kind).reshape(dma.words, -1)
            memory[words] = lanes[:, : chip.core.rows]

    def store(self, dma: Dma, chip: OnChip) -> None:
        """A STORE: the lanes past R, and what is left of the last beat of a row, become 0."""
        if dma.base != Base.OUTPUT:
            raise CoreError(Code.WINDOW, "only the output may be written")
        memory = chip.space(dma.space)
        kind = memory.dtype.newbyteorder("<")
        size = dma.words * word_bytes(dma, chip.core)
        for words, place in self._rows(dma, size, chip.core):
            place[:] = 0
            lanes = place[:size].view(kind).reshape(dma.words, -1)
            lanes[:, : chip.core.rows] = memory[words]

    def _rows(self, dma: Dma, size: int, core: Core) -> Iterator[tuple[slice, np.ndarray]]:
        """Of each row the words on chip, and the bytes in DRAM, whole beats."""
        beats = ceil_div(size, core.bus_bytes) * core.bus_bytes
        for row in range(dma.rows):
            word = dma.sram_base + row * dma.sram_stride
            place = self._window(dma.base, dma.dram_offset + row * dma.dram_stride, beats)
            yield slice(word, word + dma.words), place


def word_bytes(dma: Dma, core: Core) -> int:
    """Bytes in DRAM of a word of the memory that a LOAD or STORE moves."""
    return core.res_word_bytes if dma.space == Space.RESIDUAL else core.act_word_bytes
