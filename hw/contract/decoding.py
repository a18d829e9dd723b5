"""From the 128 bytes of an instruction to its fields."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from .isa import (
    CONV_LAYOUT,
    DMA_LAYOUT,
    INSTRUCTION_BYTES,
    Conv,
    Dma,
    End,
    Instruction,
    Opcode,
)
from .legal import check_instruction


def decode(data: bytes, bounds: Mapping[str, int] | None = None, index: int | None = None) -> Instruction:
    """Read one instruction back, and check it by the rules of ``pointwise.hw.contract.legal``.

    Args:
        data: 128 bytes. bounds: of the core and the program so far, see ``check_instruction``; without them
            only the rules that need none are applied.
        index: place of the instruction in its program, for the sentence.

    Raises:
        Refused: an unknown opcode or an illegal field.
    """
    word = int.from_bytes(data[:INSTRUCTION_BYTES], "little")
    opcode = word & 15
    values = _unpack(word, CONV_LAYOUT if opcode == Opcode.CONV else DMA_LAYOUT)
    check_instruction(values, bounds or {}, index)
    if opcode == Opcode.END:
        return End()
    kind = Conv if opcode == Opcode.CONV else Dma
    values["store"] = opcode == Opcode.STORE
    types: dict[str, Any] = {field.name: field.type for field in fields(kind)}
    return kind(**{name: of(values[name]) for name, of in types.items()})


def _unpack(word: int, layout: tuple[tuple[str, int], ...]) -> dict[str, int]:
    values = {}
    for name, width in layout:
        values[name] = word & ((1 << width) - 1)
        word >>= width
    return values
