"""The memory image: header, program, data and trailer."""

import struct
import zlib
from dataclasses import astuple, dataclass

from tests.independent.reference.core import Code, Core, CoreError
from tests.independent.reference.fields import INSTRUCTION_BYTES

MAGIC = int.from_bytes(b"PWSE", "little")
VERSION = 3
HEADER_BYTES = TRAILER_BYTES = ALIGNMENT = 64
MAX_INSTRUCTIONS = (1 << 16) - 1


@dataclass
class Header:
    """The first eleven words of an image; the other five are 0."""

    magic: int
    version: int
    shape: int
    length: int
    program_offset: int
    program_length: int
    max_tokens: int
    act_words: int
    res_words: int
    input_bytes: int
    output_bytes: int

    def encode(self) -> bytes:
        return struct.pack("<16I", *astuple(self), *[0] * 5)

    @classmethod
    def decode(cls, data: bytes) -> "Header":
        return cls(*struct.unpack_from("<11I", data))


def pad(data: bytes, multiple: int = ALIGNMENT) -> bytes:
    """`data` with zeros up to the next multiple."""
    return data + bytes(-len(data) % multiple)


def seal(header: Header, body: bytes) -> bytes:
    """An image of a header and of what follows it, with its length and its checksum.

    `header.length` is filled in; `body` begins at byte 64, usually with the program.
    """
    body = pad(body)
    header.length = HEADER_BYTES + len(body) + TRAILER_BYTES
    return checksum(header.encode() + body)


def checksum(content: bytes) -> bytes:
    """`content`, everything but the trailer, and the trailer that belongs to it."""
    return content + struct.pack("<I", zlib.crc32(content)) + bytes(TRAILER_BYTES - 4)


def check(image: bytes, core: Core) -> Header:
    """The header of an image that the core accepts; CoreError with the code with which it refuses another."""
    if len(image) < HEADER_BYTES:
        raise CoreError(Code.LENGTH, "shorter than a header")
    header, reserved = Header.decode(image), struct.unpack_from("<5I", image, 44)
    end = header.program_offset // ALIGNMENT + INSTRUCTION_BYTES // ALIGNMENT * header.program_length
    smallest = HEADER_BYTES + INSTRUCTION_BYTES + TRAILER_BYTES
    rules = (  # the first one that is broken gives the code
        (header.magic == MAGIC, Code.MAGIC),
        (header.version == VERSION, Code.VERSION),
        (header.shape == core.shape_word, Code.SHAPE),
        (header.length == len(image), Code.LENGTH),
        (header.length >= smallest and header.length % ALIGNMENT == 0, Code.LENGTH),
        (header.max_tokens <= core.max_tokens, Code.MEMORY),
        (header.act_words <= core.act_words, Code.MEMORY),
        (header.res_words <= core.res_words, Code.MEMORY),
        (header.program_offset >= HEADER_BYTES and header.program_offset % ALIGNMENT == 0, Code.LENGTH),
        (1 <= header.program_length <= MAX_INSTRUCTIONS, Code.LENGTH),
        (end <= header.length // ALIGNMENT - 1, Code.LENGTH),
        (not any(reserved), Code.VERSION),
    )
    for kept, code in rules:
        if not kept:
            raise CoreError(code, "the image is refused")
    content = image[:-TRAILER_BYTES]
    if zlib.crc32(content) != struct.unpack_from("<I", image, len(content))[0]:
        raise CoreError(Code.CHECKSUM, "the image is damaged")
    return header
