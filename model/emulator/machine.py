"""What a core remembers: on-chip memories, per-token memories, and the three regions of DRAM."""

from collections.abc import Iterator

import numpy as np

from pointwise.hw.contract.config import CoreConfig
from pointwise.hw.contract.image import align
from pointwise.hw.contract.isa import Base, Dma, Space
from pointwise.hw.contract.windows import check_row
from pointwise.model.integer.interpolation import RECIPROCAL_INPUT_BITS

SLOTS = 2


class Machine:
    """State of a core, filled with noise: what a program has not written it must not use.

    Attributes:
        act: (act_words, R) uint8, the bytes of the activation SRAM. res: (res_words, R) int16.
        mean, mult, shift: (max_tokens,) int64, LayerNorm statistics by token.
        maxima: (2, max_tokens) int64, row maxima. sums: (2, max_tokens) int64, sums of exponentials.
        dram: bytes by ``Base``.
    """

    def __init__(self, config: CoreConfig, seed: int) -> None:
        self.config = config
        self.noise = np.random.default_rng(seed)
        self.act = self.noise.integers(0, 256, (config.act_words, config.rows), np.uint8)
        self.res = self.noise.integers(-32768, 32768, (config.res_words, config.rows), np.int16)
        tokens = config.max_tokens
        self.mean = self.noise.integers(-1000, 1000, tokens)
        self.mult = self.noise.integers(0, 65536, tokens)
        self.shift = self.noise.integers(1, 40, tokens)
        self.maxima = self.noise.integers(-128, 128, (SLOTS, tokens))
        self.sums = self.noise.integers(1, 1 << RECIPROCAL_INPUT_BITS, (SLOTS, tokens))
        self.dram: dict[Base, bytearray] = {base: bytearray() for base in Base}

    def clear(self) -> None:
        """What a clear of the core leaves: all that a program could read without having written it is 0."""
        for memory in (self.act, self.res, self.mean, self.mult, self.maxima):
            memory[...] = 0
        self.shift[...] = 1  # of a product with 0

    def words(self, space: Space, addresses: np.ndarray) -> np.ndarray:
        """Contents of words, (..., R) in the memory's own type."""
        return self._memory(space)[addresses]

    def put(self, space: Space, addresses: np.ndarray, values: np.ndarray) -> None:
        """Write whole words."""
        self._memory(space)[addresses] = values

    @property
    def windows(self) -> dict[Base, int]:
        """Lengths of the windows, by ``Base``."""
        return {base: len(region) for base, region in self.dram.items()}

    def transfer(self, dma: Dma, index: int) -> None:
        """LOAD or STORE; padding lanes are stored as zeros and lost when loaded.

        Args:
            index: place of the instruction in the program.

        Raises:
            Refused: a row leaves its window.
        """
        for _ in self.rows_of(dma, index):
            pass

    def rows_of(self, dma: Dma, index: int) -> Iterator[None]:
        """The same row by row: moves one row, whole beats of it, for each item that is taken."""
        itemsize = 2 if dma.space == Space.RESIDUAL else 1
        width = self.config.act_word_bytes * itemsize
        dtype = "<i2" if itemsize == 2 else "u1"
        dram = self.dram[dma.base]
        for row in range(dma.rows):
            addresses = dma.sram_base + row * dma.sram_stride + np.arange(dma.words)
            first = dma.dram_offset + row * dma.dram_stride
            size = dma.words * width
            last = first + align(size, self.config.bus_bytes)
            check_row(dma, row, self.windows, self.config, index)
            if dma.store:
                lanes = np.zeros((dma.words, width), np.uint8)
                data = self.words(dma.space, addresses).astype(dtype)
                lanes[:, : self.config.rows * itemsize] = data.view(np.uint8)
                dram[first:last] = lanes.tobytes().ljust(last - first, b"\0")
            else:
                lanes = np.frombuffer(bytes(dram[first : first + size]), dtype).reshape(dma.words, -1)
                self.put(dma.space, addresses, lanes[:, : self.config.rows])
            yield

    def _memory(self, space: Space) -> np.ndarray:
        return self.res if space == Space.RESIDUAL else self.act
