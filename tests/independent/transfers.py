"""The frame of random programs: everything is loaded in the beginning and stored in the end."""

from dataclasses import dataclass, replace

import numpy as np

from tests.independent.places import Places
from tests.independent.reference.assembler import Assembler
from tests.independent.reference.core import Core, ceil_div
from tests.independent.reference.fields import Base, Conv, Dma, Space
from tests.independent.reference.footprint import grid
from tests.independent.reference.memory import word_bytes


@dataclass
class Drawn:
    """A program and what it is run on; `written` marks the bytes of the output block that it defines."""

    image: bytes
    input_block: bytes
    written: np.ndarray
    assembler: Assembler


class Transfers:
    """A program that has loaded everything, and random transfers for it.

    Args:
        room: `least` and `most` words of the memories that are used.
    """

    def __init__(self, rng: np.random.Generator, core: Core, **room: int):
        self.rng, self.core = rng, core
        self.program = Assembler(core)
        self.places = Places(rng, core, **room)
        self.ends = {Base.INPUT: 0, Base.OUTPUT: 0}
        for space in Space:
            self._load_all(space)

    def finish(self) -> Drawn:
        """What has been drawn so far, with everything stored at the end."""
        for space in Space:
            base, size = self.places.windows[space]
            self.dma(Dma(True, space, Base.OUTPUT, 0, base, 1, size))
        loosen(self.rng, self.program)
        image = self.program.seal()
        input_bytes, output_bytes = (int.from_bytes(image[at : at + 4], "little") for at in (36, 40))
        written = np.zeros(output_bytes, bool)
        for dma in self.program.program:
            if isinstance(dma, Dma) and dma.store:
                beats = ceil_div(dma.words * word_bytes(dma, self.core), self.core.bus_bytes)
                row = beats * self.core.bus_bytes
                written[grid(dma.dram_offset, dma.rows, dma.dram_stride, row, 1)] = True
        return Drawn(image, self.rng.bytes(input_bytes), written, self.program)

    def dma(self, dma: Dma) -> Dma:
        """Gives a transfer a place of its own in DRAM, and emits it."""
        row = ceil_div(dma.words * word_bytes(dma, self.core), 64) * 64
        dma = replace(dma, dram_stride=row + 64 * int(self.rng.integers(0, 3)))
        size = dma.dram_stride * dma.rows
        if dma.base == Base.IMAGE:
            offset = self.program.data(self.rng.bytes(size))
        else:
            offset = self.ends[dma.base]
            self.ends[dma.base] += size + 64 * int(self.rng.integers(0, 2))
        dma = replace(dma, dram_offset=offset)
        self.program.dma(dma, relative=dma.base == Base.IMAGE)
        return dma

    def _load_all(self, space: Space) -> None:
        base, size = self.places.windows[space]
        source = Base(self.rng.choice([Base.IMAGE, Base.INPUT]))
        words = int(self.rng.integers(1, size + 1))
        self.dma(Dma(False, space, source, 0, base, size // words, words, words))
        if size % words:
            self.dma(Dma(False, space, source, 0, base + size - size % words, 1, size % words))

    def spill(self) -> None:
        """Some words to the output block, and perhaps back to another place."""
        space = Space(self.rng.integers(2))
        base, size = self.places.windows[space]
        rows, words = int(self.rng.integers(1, 5)), int(self.rng.integers(1, 9))
        stride = int(self.rng.integers(words, size // 5 + words))
        room = size - (rows - 1) * stride - words
        if room < 0:
            return
        here, there = (base + int(self.rng.integers(0, room + 1)) for _ in range(2))
        stored = self.dma(Dma(True, space, Base.OUTPUT, 0, here, rows, words, stride))
        if self.rng.integers(2):
            self.program.dma(replace(stored, store=False, sram_base=there))


def loosen(rng: np.random.Generator, program: Assembler) -> None:
    """Raises some waits, up to all that came before: more patience changes nothing."""
    convs = dmas = 0
    for instruction in program.program:
        if rng.integers(3) == 0:
            counts = {"wait_conv": convs, "wait_dma": dmas, "post_wait_dma": dmas}
            if getattr(instruction, "chained", 0):
                del counts["wait_dma"]  # names the LOAD
            if getattr(instruction, "pipelined", 0):
                del counts["wait_conv"]  # names the convolution
            for name in [name for name in counts if hasattr(instruction, name)]:
                setattr(instruction, name, int(rng.integers(getattr(instruction, name), counts[name] + 1)))
        convs += isinstance(instruction, Conv)
        dmas += isinstance(instruction, Dma)
