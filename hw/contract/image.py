"""The memory image: header, program, stationary streams, tensors, and a trailer with the checksum.

Byte order is little-endian throughout. Everything starts at a multiple of 64 bytes::

    0        header, 64 bytes (the sixteen words of ``Header``)
    64       program, 128 bytes an instruction, closed by END
    ...      stationary streams and tensors (position embeddings), each at a multiple of 64
    length−64  trailer: CRC-32 (the zlib polynomial) of all bytes before it, then sixty zero bytes

The core reads header and trailer itself: an image for another core, a damaged or a truncated one is refused
before anything runs.
"""

import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from .config import CoreConfig
from .errors import Refused
from .legal import HEADER_RULES, INSTRUCTION_UNITS, UNIT
from .registers import Error
from .rules import broken

MAGIC = 0x45535750
"""The letters PWSE, read as a little-endian word."""
VERSION = 3
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
    def decode(cls, data: bytes, bounds: Mapping[str, int] | None = None) -> "Header":
        """Read a header back, and check it by the rules of ``pointwise.hw.contract.legal``.

        Args:
            bounds: what the image is compared with (``check``), besides magic and version.

        Raises:
            Refused: the first rule that is broken.
        """
        if len(data) < HEADER_BYTES:
            raise Refused(
                f"the image has {len(data)} bytes; a header alone has {HEADER_BYTES}, the file is cut short",
                Error.LENGTH,
            )
        values = dict(zip(HEADER_WORDS, struct.unpack("<16I", data[:HEADER_BYTES]), strict=True))
        # In units of 64 bytes, as the core counts.
        program = INSTRUCTION_UNITS * values["program_length"]
        values["program_end"] = values["program_offset"] // UNIT + program
        known = header_bounds() | {"trailer": values["length"] // UNIT - 1} | dict(bounds or {})
        rule = broken(HEADER_RULES, values, known)
        if rule is not None:
            raise Refused(_sentence(rule, values, known), rule.error)
        return cls(**{field.name: values[field.name] for field in fields(cls)})


HEADER_WORDS: tuple[str, ...] = ("magic", "version", *(field.name for field in fields(Header)))
HEADER_WORDS += tuple(f"reserved{word}" for word in range(len(HEADER_WORDS), HEADER_BYTES // 4))
"""Names of the sixteen words."""


def header_bounds(config: CoreConfig | None = None) -> dict[str, int]:
    """What a header is compared with: of the format, and of the core where one is given."""
    bounds = {"MAGIC": MAGIC, "VERSION": VERSION}
    if config is not None:
        bounds["shape_word"] = shape_word(config)
        bounds |= {f"core_{name}": getattr(config, name) for name in ("max_tokens", "act_words", "res_words")}
    return bounds


def _sentence(rule: Any, values: Mapping[str, int], bounds: Mapping[str, int]) -> str:
    """What a broken rule of the header means."""
    (name,) = rule.fields
    value, most = values[name], bounds.get(str(rule.most), 0)
    match rule.error:
        case Error.MAGIC:
            return f"the image starts with {value:#010x} instead of {MAGIC:#010x}; it is no Pointwise image"
        case Error.VERSION if name == "version":
            return f"the image has version {value}, this software writes {VERSION}; compile it again"
        case Error.SHAPE:
            return (
                f"the image is for a core of shape {value:#010x} (rows, columns, lanes and bytes of the bus, "
                f"from the right), this one is {most:#010x}; compile it for this core"
            )
        case Error.LENGTH if rule.most == "IMAGE_BYTES":
            return f"the image has {most} bytes, its header says {value}; it is cut short or damaged"
        case Error.MEMORY:
            return (
                f"the image needs {name} = {value}, the core has {most}; use a larger core or compile for "
                "this one"
            )
    subject, legal = (text.replace("``", "") for text in (rule.subject, rule.legal(bounds)))
    return f"the image's header says {subject} = {value}; expected {legal}, the image is damaged"


def seal(body: bytes) -> bytes:
    """Append the trailer to ``body`` (header included, a multiple of 64 bytes long)."""
    return body + struct.pack("<I", zlib.crc32(body)) + bytes(TRAILER_BYTES - 4)


def checksum(image: bytes) -> int:
    """CRC-32 of a sealed image, of every byte but the trailer."""
    return zlib.crc32(memoryview(image)[:-TRAILER_BYTES])


def check(data: bytes, config: CoreConfig | None = None) -> Header:
    """Check an image as the core does, in the same order, and return its header.

    Args:
        config: the core; without it what the image needs of a core is not looked at.

    Raises:
        Refused: an illegal header, another length, another core, or a wrong checksum.
    """
    header = Header.decode(data, header_bounds(config) | {"IMAGE_BYTES": len(data)})
    (stored,) = struct.unpack("<I", data[-TRAILER_BYTES : 4 - TRAILER_BYTES])
    if checksum(data) != stored:
        raise Refused("the image's checksum is wrong; the file is damaged, compile it again", Error.CHECKSUM)
    return header
