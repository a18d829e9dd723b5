"""The memory image: header, program, stationary streams, tensors, and a trailer with the checksum.

Byte order is little-endian throughout. Everything starts at a multiple of 64 bytes::

    0        header, 64 bytes (the sixteen words of ``Header``)
    64       program, 64 bytes an instruction, closed by END
    ...      stationary streams and tensors (position embeddings), each at a multiple of 64
    length−64  trailer: CRC-32 (the zlib polynomial) of all bytes before it, then sixty zero bytes

The core reads header and trailer itself: an image for another core, a damaged or a truncated one is refused
before anything runs.
"""

import struct
import zlib
from dataclasses import dataclass

from .config import CoreConfig
from .errors import PointwiseError

MAGIC = 0x45535750
"""The letters PWSE, read as a little-endian word."""
VERSION = 2
ALIGNMENT = 64
HEADER_BYTES = 64
TRAILER_BYTES = 64


def align(size: int, unit: int = ALIGNMENT) -> int:
    """``size`` rounded up to a multiple of ``unit``."""
    return -(-size // unit) * unit


def shape_word(config: CoreConfig) -> int:
    """The array shape as header and register hold it: rows, columns, epilogue lanes, bus bytes."""
    return config.rows | config.cols << 8 | config.post_lanes << 16 | config.bus_bytes << 24


@dataclass(frozen=True)
class Header:
    """The first 64 bytes of an image.

    Attributes:
        shape: ``shape_word`` of the core that the image is for.
        length: bytes of the whole image, trailer included; a multiple of 64.
        program_offset, program_length: byte offset and number of instructions, END included.
        max_tokens, act_words, res_words: what the program needs of the core at least.
        input_bytes, output_bytes: size of one input and one output block in DRAM.
    """

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
        """The 64 bytes."""
        words = (
            MAGIC,
            VERSION,
            self.shape,
            self.length,
            self.program_offset,
            self.program_length,
            self.max_tokens,
            self.act_words,
            self.res_words,
            self.input_bytes,
            self.output_bytes,
        )
        return struct.pack("<16I", *words, *(0,) * (16 - len(words)))

    @classmethod
    def decode(cls, data: bytes) -> "Header":
        """Read and check magic and version; raises PointwiseError."""
        if len(data) < HEADER_BYTES:
            raise PointwiseError(
                f"the image has {len(data)} bytes; a header alone has {HEADER_BYTES}, the file is cut short"
            )
        magic, version, *words = struct.unpack("<16I", data[:HEADER_BYTES])
        if magic != MAGIC:
            raise PointwiseError(
                f"the image starts with {magic:#010x} instead of {MAGIC:#010x}; it is no Pointwise image"
            )
        if version != VERSION:
            raise PointwiseError(
                f"the image has version {version}, this software writes {VERSION}; compile it again"
            )
        return cls(*words[:9])


def seal(body: bytes) -> bytes:
    """Append the trailer to ``body`` (header included, a multiple of 64 bytes long)."""
    return body + struct.pack("<I", zlib.crc32(body)) + bytes(TRAILER_BYTES - 4)


def checksum(image: bytes) -> int:
    """CRC-32 of a sealed image, of every byte but the trailer."""
    return zlib.crc32(memoryview(image)[:-TRAILER_BYTES])


def check(data: bytes, config: CoreConfig | None = None) -> Header:
    """Check an image as the core does, and return its header.

    Raises:
        PointwiseError: wrong magic or version, another length, a wrong checksum, or (with ``config``) another
            array shape or more memory than that core has.
    """
    header = Header.decode(data)
    if header.length != len(data):
        raise PointwiseError(
            f"the image has {len(data)} bytes, its header says {header.length}; it is cut short or damaged"
        )
    (stored,) = struct.unpack("<I", data[-TRAILER_BYTES : 4 - TRAILER_BYTES])
    if checksum(data) != stored:
        raise PointwiseError("the image's checksum is wrong; the file is damaged, compile it again")
    if config is not None:
        if header.shape != shape_word(config):
            raise PointwiseError(
                f"the image is for a core of shape {header.shape:#010x}, this one is "
                f"{shape_word(config):#010x} ({config.rows}×{config.cols}, {config.post_lanes} lanes, "
                f"{config.bus_bytes}-byte bus); compile it for this core"
            )
        for name in ("max_tokens", "act_words", "res_words"):
            if getattr(header, name) > getattr(config, name):
                raise PointwiseError(
                    f"the image needs {name} = {getattr(header, name)}, the core has "
                    f"{getattr(config, name)}; use a larger core or compile for this one"
                )
    return header
