"""Puts a memory image together: instructions, their streams, and other data."""

from dataclasses import replace

from tests.independent.reference import image, stream
from tests.independent.reference.core import Core
from tests.independent.reference.fields import (
    INSTRUCTION_BYTES,
    Base,
    Conv,
    Dma,
    End,
    Instruction,
    Prologue,
    Space,
    Stationary,
    encode,
)
from tests.independent.reference.legal import last
from tests.independent.reference.memory import word_bytes


class Assembler:
    """Collects a program.

        program = Assembler(core)
        program.dma(Dma(base=Base.INPUT, rows=5, words=2, …))
        program.conv(Conv(tokens=5, k=8, n=8, …), Operands(bias, mult, shift, weights))
        data = program.seal()

    Every instruction waits for all before it, unless `wait` is False: then its own counts are taken.
    """

    def __init__(self, core: Core):
        self.core = core
        self.program: list[Instruction] = []
        self._data = b""
        self._moved: set[int] = set()  # instructions whose offset counts from the start of _data
        self._convs = self._dmas = 0

    def data(self, block: bytes) -> int:
        """Puts a block behind the program. The result is an offset for `dma(…, relative=True)`."""
        offset = len(self._data)
        self._data += image.pad(block)
        return offset

    def dma(self, dma: Dma, wait: bool = True, relative: bool = False) -> None:
        """A LOAD or a STORE. `relative`: its dram_offset is one that `data` returned."""
        if wait:
            dma = replace(dma, wait_conv=self._convs, wait_dma=self._dmas)
        if relative:
            self._moved.add(len(self.program))
        self.program.append(dma)
        self._dmas += 1

    def conv(self, conv: Conv, operands: stream.Operands, wait: bool = True) -> None:
        """A convolution; its stream is packed, and its offset and length are filled in."""
        packed = stream.pack(operands, conv, self.core)
        if wait:
            conv = replace(conv, wait_conv=self._convs, wait_dma=self._dmas, post_wait_dma=self._dmas)
        self._moved.add(len(self.program))
        offset = self.data(packed)
        beats = len(packed) // self.core.bus_bytes
        self.program.append(replace(conv, stream_offset=offset, stream_beats=beats))
        self._convs += 1

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
        body = b"".join(encode(instruction) for instruction in program) + self._data
        return image.seal(image.Header(**values | header), body)

    def _words(self, program: list[Instruction], space: Space) -> int:
        """Words of a memory that the program reaches."""
        blocks = [block for instruction in program for block in _reach(instruction, self.core)]
        return max((end for reached, end in blocks if reached == space), default=-1) + 1

    def _block(self, program: list[Instruction], base: Base) -> int:
        """Bytes of the input or output block that the program reaches, a multiple of 64."""
        ends = [
            d.dram_offset + (d.rows - 1) * d.dram_stride + d.words * word_bytes(d, self.core)
            for d in program
            if isinstance(d, Dma) and d.base == base
        ]
        return -(-max(ends, default=0) // image.ALIGNMENT) * image.ALIGNMENT


def _reach(instruction: Instruction, core: Core) -> list[tuple[Space, int]]:
    """(memory, highest word) of each block of words that an instruction reads or writes."""
    if isinstance(instruction, Dma):
        i = instruction
        return [(Space(i.space), last(i.sram_base, i.rows, i.sram_stride, i.words, 1))]
    if isinstance(instruction, End):
        return []
    c, k_words, n_words = instruction, -(-instruction.k // core.rows), -(-instruction.n // core.rows)
    read = Space.RESIDUAL if c.prologue == Prologue.NORMALISE else Space.ACTIVATION
    write = Space.RESIDUAL if c.to_residual else Space.ACTIVATION
    blocks = [
        (read, last(c.in_base, c.tokens, c.in_token_stride, k_words, c.in_tile_stride)),
        (write, last(c.out_base, c.tokens, c.out_token_stride, n_words, c.out_word_stride)),
    ]
    if c.stationary != Stationary.STREAM:
        tokens, words = (c.n, k_words) if c.stationary == Stationary.KEYS else (c.k, n_words)
        end = last(c.stat_base, tokens, c.stat_token_stride, words, c.stat_word_stride)
        blocks.append((Space.ACTIVATION, end))
    return blocks
