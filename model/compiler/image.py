"""The memory image: streams and tensors gathered behind the program and sealed; and its form as text."""

import numpy as np

from hw.contract.config import CoreConfig
from hw.contract.errors import PointwiseError
from hw.contract.image import ALIGNMENT, HEADER_BYTES, Header, align, seal, shape_word
from hw.contract.isa import INSTRUCTION_BYTES, Instruction
from model.export import hexadecimal
from model.export.memory import Memory


class ImageBuilder:
    """Collects the data behind the program; offsets are known as it is added, for the program.

    Args:
        program_length: instructions, END included.
    """

    def __init__(self, program_length: int) -> None:
        self.program_length = program_length
        self.offset = HEADER_BYTES + program_length * INSTRUCTION_BYTES
        self._parts: list[bytes] = []

    def add(self, data: bytes) -> int:
        """Append ``data``, padded to 64 bytes; returns its offset from the image's start."""
        offset = self.offset
        data = data.ljust(align(len(data)), b"\0")
        self._parts.append(data)
        self.offset += len(data)
        if self.offset >= 1 << 32:
            raise PointwiseError(
                "the image would exceed 4 GiB, which its offsets cannot address; use a smaller network"
            )
        return offset

    def finish(
        self,
        program: list[Instruction],
        config: CoreConfig,
        act_words: int,
        res_words: int,
        max_tokens: int,
        input_bytes: int,
        output_bytes: int,
    ) -> bytes:
        """The sealed image; the arguments go into its header (see ``hw.contract.image.Header``)."""
        if len(program) != self.program_length:
            raise AssertionError(
                f"the program has {len(program)} instructions, {self.program_length} were announced"
            )
        header = Header(
            shape=shape_word(config),
            length=self.offset + ALIGNMENT,
            program_offset=HEADER_BYTES,
            program_length=len(program),
            max_tokens=max_tokens,
            act_words=act_words,
            res_words=res_words,
            input_bytes=input_bytes,
            output_bytes=output_bytes,
        )
        return seal(b"".join([header.encode(), *(i.encode() for i in program), *self._parts]))


def to_hex(data: bytes, config: CoreConfig) -> bytes:
    """``$readmemh`` text: a beat of the bus on each line, the byte of the highest address first."""
    values = np.frombuffer(data, np.uint8)
    return hexadecimal.encode(Memory("image", "", values, config.axi_data_width))
