"""The memory image: header, program, data and trailer."""

import struct
import zlib
from dataclasses import astuple, dataclass

from tests.independent.reference.core import Code, Core, CoreError
from tests.independent.reference.fields import INSTRUCTION_BYTES

MAGIC = int.from_bytes(b"PWSE", "little")
VERSION = 2
HEADER_BYTES = TRAILER_BYTES = ALIGNMENT = 64


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

    def need(condition: bool, code: Code, message: str) -> None:
        if not condition:
            raise CoreError(code, message)

    header = Header.decode(bytes(image[:HEADER_BYTES]).ljust(HEADER_BYTES, b"\0"))
    need(header.magic == MAGIC, Code.MAGIC, "no Pointwise image")
    need(header.version == VERSION, Code.VERSION, f"version {header.version} instead of {VERSION}")
    need(header.shape == core.shape_word, Code.SHAPE, f"for the shape {header.shape:#x}")
    need(header.length == len(image), Code.LENGTH, f"{header.length} bytes, {len(image)} of them in memory")
    need(
        header.length % ALIGNMENT == 0 and header.length >= HEADER_BYTES + INSTRUCTION_BYTES + TRAILER_BYTES,
        Code.LENGTH,
        "no multiple of 64, or too short",
    )
    need(
        header.max_tokens <= core.max_tokens
        and header.act_words <= core.act_words
        and header.res_words <= core.res_words,
        Code.MEMORY,
        "the core is too small",
    )
    end = header.program_offset + header.program_length * INSTRUCTION_BYTES
    need(
        header.program_offset % ALIGNMENT == 0
        and header.program_offset >= HEADER_BYTES
        and header.program_length > 0
        and end <= header.length - TRAILER_BYTES,
        Code.PROGRAM,
        "the program lies outside the image",
    )
    content = image[: header.length - TRAILER_BYTES]
    (stored,) = struct.unpack_from("<I", image, len(content))
    need(zlib.crc32(content) == stored, Code.CHECKSUM, "the checksum is wrong")
    return header
