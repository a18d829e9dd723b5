"""The registers bit by bit, with access and reset values: what header and SystemRDL of a core are made of."""

import enum
import functools
from collections.abc import Iterable
from dataclasses import dataclass

from pointwise.hw.bus.window import PAGE_BITS
from pointwise.hw.contract.config import CoreConfig
from pointwise.hw.contract.docstrings import member_docs
from pointwise.hw.contract.image import MAGIC, VERSION, shape_word
from pointwise.hw.contract.registers import WATCHDOG_DEFAULT, Cause, Register

WORD_BITS = 32
WORD_BYTES = WORD_BITS // 8


class Access(enum.Enum):
    """What software may do with a field."""

    READ = "read only"
    READ_WRITE = "read and write"
    PULSE = "write 1 to do it; reads 0"
    CLEAR = "read; write 1 to clear"


@dataclass(frozen=True)
class Field:
    """Some neighbouring bits of a register.

    Attributes:
        name: unique in its register. low, width: its lowest bit and how many it has.
        access: what software may do with it. about: what it means; empty where the register says it.
    """

    name: str
    low: int = 0
    width: int = WORD_BITS
    access: Access = Access.READ
    about: str = ""

    @property
    def mask(self) -> int:
        """Its bits in the register."""
        return (1 << self.width) - 1 << self.low


@dataclass(frozen=True)
class Entry:
    """A register.

    Attributes:
        name: unique. address: in bytes. about: what it means.
        fields: from the lowest bit up; other bits read 0. reset: its value after reset.
    """

    name: str
    address: int
    about: str
    fields: tuple[Field, ...]
    reset: int


PARTS = {
    Register.SHAPE: (
        Field("ROWS", 0, 8, about="rows of the array, channels in of a tile"),
        Field("COLUMNS", 8, 8, about="columns of the array, channels out of a tile"),
        Field("LANES", 16, 8, about="channels that the epilogue finishes in a cycle"),
        Field("BUS_BYTES", 24, 8, about="bytes of a beat of the AXI4 bus"),
    ),
    Register.CONTROL: (
        Field("START", 0, 1, Access.PULSE, "start a run; ignored while busy"),
        Field("INTERRUPT_ENABLE", 1, 1, Access.READ_WRITE, "let INTERRUPT.PENDING raise the interrupt"),
        Field("CLEAR", 2, 1, Access.PULSE, "clear the memories on chip instead; ignored while busy"),
    ),
    Register.STATUS: (
        Field("BUSY", 0, 1, about="a run or a clear goes on"),
        Field("DONE", 1, 1, about="the last one ended well"),
        Field("ERROR", 2, 1, about="the last one ended in the error CODE"),
        Field("CODE", 8, 8, about="why it ended"),
    ),
    Register.INTERRUPT: (Field("PENDING", 0, 1, Access.CLEAR, "a run or a clear has ended, well or not"),),
}
"""Registers of several fields, or of few bits."""
WHOLE = "VALUE"
"""Name of the only field of a register."""
SAID = {
    Register.MAGIC: "The letters PWSE, lowest byte first: there is a core",
    Register.VERSION: "Version of the image's format that the core takes",
    Register.SHAPE: "Shape of the core; an image for another one is refused",
    Register.MAX_TOKENS: "The most tokens of a convolution",
    Register.ACT_WORDS: "Words of the activation memory",
    Register.RES_WORDS: "Words of the residual memory",
}
"""What the registers mean of which ``Register`` says nothing."""


def register_map(config: CoreConfig) -> tuple[Entry, ...]:
    """Every register of a core, by address."""
    docs = member_docs(Register)
    reset = {
        Register.MAGIC: MAGIC,
        Register.VERSION: VERSION,
        Register.SHAPE: shape_word(config),
        Register.MAX_TOKENS: config.max_tokens,
        Register.ACT_WORDS: config.act_words,
        Register.RES_WORDS: config.res_words,
        Register.WATCHDOG: WATCHDOG_DEFAULT,
    }
    entries = []
    for register in Register:
        about = docs.get(register.name) or SAID[register]
        if register is not Register.CAUSES:
            fields = PARTS.get(register) or (_only_field(register, about),)
            about = about.removeprefix("RW: ")
            about = about[0].upper() + about[1:]
            entries.append(Entry(register.name, register, about, fields, reset.get(register, 0)))
    causes = member_docs(Cause)
    for cause in Cause:
        about = f"Cycles of the last run that went to this: {causes[cause.name]}"
        address = Register.CAUSES + WORD_BYTES * cause
        entries.append(Entry(f"CAUSES_{cause.name}", address, about, (Field(WHOLE),), 0))
    return tuple(entries)


def _only_field(register: Register, about: str) -> Field:
    """Whether a register can be written stands in front of what is said of it."""
    low = PAGE_BITS if register.name.endswith("_BASE") else 0
    access = Access.READ_WRITE if about.startswith("RW: ") else Access.READ
    return Field(WHOLE, low, WORD_BITS - low, access)


def mask(fields: Iterable[Field]) -> int:
    """All bits of some fields."""
    return functools.reduce(lambda bits, field: bits | field.mask, fields, 0)
