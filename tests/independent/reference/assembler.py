"""Puts a memory image together: instructions, their streams, and other data."""

from dataclasses import replace

from tests.independent.reference import footprint, image, stream
from tests.independent.reference.core import Core, ceil_div
from tests.independent.reference.fields import (
    INSTRUCTION_BYTES,
    Base,
    Conv,
    Dma,
    End,
    Instruction,
    Space,
    encode,
)
from tests.independent.reference.memory import word_bytes
from tests.independent.reference.waits import Waits


class Assembler:
    """Collects a program.

        program = Assembler(core)
        program.dma(Dma(base=Base.INPUT, rows=5, words=2, …))
        program.conv(Conv(tokens=5, k=8, n=8, …), Operands(bias, mult, shift, weights))
        data = program.seal()

    Each instruction gets the waits that it needs. `patient` makes it wait for everything before it instead.
    """

    def __init__(self, core: Core, patient: bool = False):
        self.core = core
        self.program: list[Instruction] = []
        self.waits = Waits(core)
        self.patient = patient
        self._data = b""
        self._moved: set[int] = set()  # instructions whose offset counts from the start of _data

    def data(self, block: bytes) -> int:
        """Puts a block behind the program. The result is an offset for `dma(…, relative=True)`."""
        offset = len(self._data)
        self._data += image.pad(block)
        return offset

    def dma(self, dma: Dma, relative: bool = False) -> None:
        """A LOAD or a STORE. `relative`: its dram_offset is one that `data` returned."""
        if relative:
            self._moved.add(len(self.program))
        self._append(dma)

    def conv(self, conv: Conv, operands: stream.Operands) -> None:
        """A convolution; its stream is packed, and its offset and length are filled in."""
        packed = stream.pack(operands, conv, self.core)
        self._moved.add(len(self.program))
        offset = self.data(packed)
        self._append(replace(conv, stream_offset=offset, stream_beats=len(packed) // self.core.bus_bytes))

    def _append(self, instruction: Conv | Dma) -> None:
        self.program.append((self.waits.all if self.patient else self.waits.least)(instruction))

    def instructions(self) -> list[Instruction]:
        """The program with END, and with offsets that count from the image's start."""
        program = [*self.program, End()]
        start = image.HEADER_BYTES + INSTRUCTION_BYTES * len(program)
        for index in self._moved:
            name = "stream_offset" if isinstance(program[index], Conv) else "dram_offset"
            program[index] = replace(program[index], **{name: getattr(program[index], name) + start})
        return program

    def seal(self, **header: int) -> bytes:
        """The image. Words of the header that are given replace those that follow from the program."""
        program = self.instructions()
        body = b"".join(encode(instruction) for instruction in program) + self._data
        values = {
            "magic": image.MAGIC,
            "version": image.VERSION,
            "shape": self.core.shape_word,
            "length": 0,
            "program_offset": image.HEADER_BYTES,
            "program_length": len(program),
            "max_tokens": max((i.tokens for i in program if isinstance(i, Conv)), default=1),
            "act_words": self._words(program, Space.ACTIVATION),
            "res_words": self._words(program, Space.RESIDUAL),
            "input_bytes": self._block(program, Base.INPUT),
            "output_bytes": self._block(program, Base.OUTPUT),
        }
        return image.seal(image.Header(**values | header), body)

    def _words(self, program: list[Instruction], space: Space) -> int:
        """Words of a memory that the program reaches."""
        return max(footprint.of(i, self.core).words(space).max(initial=-1) for i in program) + 1

    def _block(self, program: list[Instruction], base: Base) -> int:
        """Bytes of the input or output block that the program reaches, a multiple of 64."""
        ends = [
            d.dram_offset + (d.rows - 1) * d.dram_stride + d.words * word_bytes(d, self.core)
            for d in program
            if isinstance(d, Dma) and d.base == base
        ]
        return ceil_div(max(ends, default=0), image.ALIGNMENT) * image.ALIGNMENT
