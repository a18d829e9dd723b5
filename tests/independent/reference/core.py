"""What software must know of a core, and the codes with which it ends."""

from dataclasses import dataclass
from enum import IntEnum


class Code(IntEnum):
    """Error codes of STATUS."""

    NONE = 0
    MAGIC = 1
    VERSION = 2
    SHAPE = 3
    LENGTH = 4
    CHECKSUM = 5
    MEMORY = 6
    OPCODE = 7
    OPERAND = 8
    BUS_READ = 9
    BUS_WRITE = 10
    WATCHDOG = 11
    PROGRAM = 12
    WINDOW = 13


class CoreError(Exception):
    """A run that ended with an error code; `instruction` is the index of the one to blame, or None."""

    def __init__(self, code: Code, message: str, instruction: int | None = None):
        super().__init__(f"{code.name}: {message}")
        self.code = code
        self.instruction = instruction


class Unsound(Exception):
    """A program that breaks a promise which no core checks; what a core makes of it is undefined."""


def power_of_two(value: int) -> int:
    """The smallest power of two that is at least `value` (≥ 1)."""
    return 1 << (value - 1).bit_length()


def ceil_div(a: int, b: int) -> int:
    return -(-a // b)


@dataclass(frozen=True)
class Core:
    """R, C and P of the core, bytes of a beat of its bus, and what it has room for.

    The registers SHAPE, MAX_TOKENS, ACT_WORDS and RES_WORDS say the same of a real one.
    """

    rows: int
    cols: int
    lanes: int
    bus_bytes: int
    max_tokens: int
    act_words: int
    res_words: int

    @classmethod
    def from_configuration(cls, values: dict[str, int]) -> "Core":
        """Of the parameters in `config.json`."""
        rows, cols, banks = values["rows"], values["cols"], values["act_banks"]
        return cls(
            rows=rows,
            cols=cols,
            lanes=values["post_lanes"] or min(rows, cols),
            bus_bytes=values["axi_data_width"] // 8,
            max_tokens=values["max_tokens"],
            act_words=1024 * values["act_kib"] // rows // banks * banks,
            res_words=1024 * values["res_kib"] // (2 * rows),
        )

    @property
    def shape_word(self) -> int:
        """The header's `shape`: one byte each, rows lowest."""
        return self.rows | self.cols << 8 | self.lanes << 16 | self.bus_bytes << 24

    @property
    def act_word_bytes(self) -> int:
        """Bytes of DRAM that a word of the activation SRAM takes."""
        return power_of_two(self.rows)

    @property
    def res_word_bytes(self) -> int:
        """Bytes of DRAM that a word of the residual SRAM takes."""
        return 2 * self.act_word_bytes

    @property
    def row_bytes(self) -> int:
        """Bytes that a row of the stationary stream takes."""
        return power_of_two(self.cols)
