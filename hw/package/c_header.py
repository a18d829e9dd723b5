"""``pointwise_registers.h``: what a driver in C must know of a core, from the tables of the contract."""

from collections.abc import Iterable, Iterator

from pointwise.hw.bus.window import PAGE_BITS
from pointwise.hw.contract.config import CoreConfig
from pointwise.hw.contract.image import HEADER_BYTES, HEADER_WORDS, MAGIC, VERSION, shape_word
from pointwise.hw.contract.isa import Base
from pointwise.hw.contract.registers import ERROR_TEXT, Cause, Error

from .register_map import WHOLE, WORD_BYTES, register_map

HEADER = "pointwise_registers.h"
GUARD = "POINTWISE_REGISTERS_H"


def c_header(config: CoreConfig) -> str:
    """The text of the header, for C11 and C++."""
    parts = [
        ("Byte addresses of the registers, each of 32 bits.", _addresses(config)),
        ("Fields of registers: mask, and the place of the lowest bit.", _fields(config)),
        ("What the read-only registers say, in every core and in this one.", _values(config)),
        (
            "The windows of memory, in the order of their registers; their bases are multiples of a page.",
            _windows(),
        ),
        ("Words of an image's header: byte offsets, little-endian.", _image()),
        ("X(name, code, text) for every code of an error.", _errors()),
        ("X(name, number) for every cause of a cycle, in the order of their counters.", _causes()),
    ]
    lines = ["/* Numbers of a Pointwise core. Written with its Verilog; they belong together. */"]
    lines += [f"#ifndef {GUARD}", f"#define {GUARD}"]
    for about, definitions in parts:
        lines += ["", f"/* {about} */", *definitions]
    return "\n".join([*lines, "", "#endif", ""])


def _define(name: str, value: int, digits: int = 0) -> str:
    number = f"0x{value:0{digits}x}u" if digits else f"{value}u"
    return f"#define POINTWISE_{name} {number}"


def _addresses(config: CoreConfig) -> Iterator[str]:
    for entry in register_map(config):
        yield _define(f"REG_{entry.name}", entry.address, 2)


def _fields(config: CoreConfig) -> Iterator[str]:
    for entry in register_map(config):
        for field in entry.fields:
            if field.name != WHOLE:
                yield _define(f"{entry.name}_{field.name}", field.mask, 8)
                yield _define(f"{entry.name}_{field.name}_SHIFT", field.low)


def _values(config: CoreConfig) -> Iterator[str]:
    yield _define("MAGIC", MAGIC, 8)
    yield _define("VERSION", VERSION)
    yield _define("CORE_SHAPE", shape_word(config), 8)
    for name in ("max_tokens", "act_words", "res_words"):
        yield _define(f"CORE_{name.upper()}", getattr(config, name))


def _windows() -> Iterator[str]:
    yield _define("PAGE_BYTES", 1 << PAGE_BITS)
    for base in Base:
        yield _define(f"WINDOW_{base.name}", base)
    yield _define("WINDOW_COUNT", len(Base))


def _image() -> Iterator[str]:
    yield _define("IMAGE_HEADER_BYTES", HEADER_BYTES)
    for word, name in enumerate(HEADER_WORDS):
        if not name.startswith("reserved"):
            yield _define(f"IMAGE_{name.upper()}", WORD_BYTES * word)


def _errors() -> Iterator[str]:
    return _list("ERRORS", (f'X({e.name}, {e.value}, "{ERROR_TEXT[e]}")' for e in Error))


def _causes() -> Iterator[str]:
    yield from _list("CAUSES", (f"X({cause.name}, {cause.value})" for cause in Cause))
    yield _define("CAUSE_COUNT", len(Cause))


def _list(name: str, uses: Iterable[str]) -> Iterator[str]:
    """A macro that applies another one to every entry of a table."""
    yield " \\\n  ".join([f"#define POINTWISE_{name}(X)", *uses])
