"""The on-chip memories, the blocks in DRAM, and what moves words between them."""

import numpy as np

from tests.independent.reference.arithmetic import Statistics
from tests.independent.reference.core import Code, Core, CoreError, ceil_div
from tests.independent.reference.fields import Base, Dma, Space


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


def grid(base: int, outer: int, outer_stride: int, inner: int, inner_stride: int) -> np.ndarray:
    """Word addresses base + i·outer_stride + j·inner_stride, outer × inner."""
    return base + np.arange(outer)[:, None] * outer_stride + np.arange(inner) * inner_stride


class Dram:
    """The three blocks that instructions can name, as uint8 arrays."""

    def __init__(self, image: np.ndarray, data: np.ndarray, output: np.ndarray):
        self.blocks = {Base.IMAGE: image, Base.INPUT: data, Base.OUTPUT: output}

    def stream(self, offset: int, count: int) -> np.ndarray:
        """`count` bytes of the image."""
        image = self.blocks[Base.IMAGE]
        if offset + count > image.size:
            raise CoreError(Code.BUS_READ, "the stationary stream goes past the end of the image")
        return image[offset : offset + count]

    def load(self, dma: Dma, chip: OnChip) -> None:
        """A LOAD: whole words; the bytes behind R lanes are dropped."""
        core, memory, block = chip.core, chip.space(dma.space), self.blocks[Base(dma.base)]
        places = self._bytes(dma, core, dma.words * word_bytes(dma, core))
        if places[-1, -1] >= block.size or places.max() >= block.size:
            raise CoreError(Code.BUS_READ, "a LOAD goes past the end of its block")
        words = block[places].reshape(dma.rows, dma.words, -1).view(memory.dtype.newbyteorder("<"))
        memory[grid(dma.sram_base, dma.rows, dma.sram_stride, dma.words, 1)] = words[:, :, : core.rows]

    def store(self, dma: Dma, chip: OnChip) -> None:
        """A STORE: the lanes past R, and what is left of the last beat of a row, become 0."""
        core, memory, block = chip.core, chip.space(dma.space), self.blocks[Base(dma.base)]
        size = word_bytes(dma, core)
        words = np.zeros((dma.rows, dma.words, size // memory.itemsize), memory.dtype.newbyteorder("<"))
        words[:, :, : core.rows] = memory[grid(dma.sram_base, dma.rows, dma.sram_stride, dma.words, 1)]
        data = words.view(np.uint8).reshape(dma.rows, -1)
        beats = ceil_div(data.shape[1], core.bus_bytes)
        places = self._bytes(dma, core, beats * core.bus_bytes)
        if places.max() >= block.size:
            raise CoreError(Code.BUS_WRITE, "a STORE goes past the end of its block")
        block[places] = np.pad(data, [(0, 0), (0, places.shape[1] - data.shape[1])])

    @staticmethod
    def _bytes(dma: Dma, core: Core, count: int) -> np.ndarray:
        return grid(dma.dram_offset, dma.rows, dma.dram_stride, count, 1)


def word_bytes(dma: Dma, core: Core) -> int:
    """Bytes in DRAM of a word of the memory that a LOAD or STORE moves."""
    return core.res_word_bytes if dma.space == Space.RESIDUAL else core.act_word_bytes
