"""Instructions: every field comes back, in its place, and one that does not fit is refused."""

import random

import pytest

from pointwise.hw.contract import isa
from pointwise.hw.contract.config import CoreConfig
from pointwise.hw.contract.decoding import decode
from pointwise.hw.contract.errors import PointwiseError
from pointwise.hw.contract.legal import core_bounds, instruction_fields
from tests.hw.contract.instructions import drawn_fields, encoded

BOUNDS = core_bounds(CoreConfig()) | {"convs": 7, "dmas": 1000}


@pytest.mark.parametrize("opcode", [isa.Opcode.CONV, isa.Opcode.LOAD, isa.Opcode.STORE])
def test_random_instructions_come_back(opcode: isa.Opcode) -> None:
    rng = random.Random(1)
    for _ in range(200):
        fields = drawn_fields(rng, opcode, BOUNDS)
        instruction = decode(encoded(fields), BOUNDS)
        assert instruction.encode() == encoded(fields)
        assert instruction_fields(instruction).items() <= fields.items()


@pytest.mark.parametrize("layout", [isa.CONV_LAYOUT, isa.DMA_LAYOUT])
def test_no_field_crosses_the_fields_of_another(layout: tuple) -> None:
    assert sum(width for _, width in layout) == isa.INSTRUCTION_BITS
    assert len({name for name, _ in layout}) == len(layout)


def test_waits_lie_in_the_same_place_in_both() -> None:
    def place(layout: tuple, wanted: str) -> int:
        names = [name for name, _ in layout]
        return sum(width for _, width in layout[: names.index(wanted)])

    for name in ("opcode", "wait_conv", "wait_dma"):
        assert place(isa.CONV_LAYOUT, name) == place(isa.DMA_LAYOUT, name)


def test_a_field_that_does_not_fit_is_named() -> None:
    fields = {
        "tokens": 1,
        "k": 1,
        "in_base": 1 << 24,
        "in_token_stride": 1,
        "out_base": 0,
        "out_token_stride": 1,
    }
    with pytest.raises(PointwiseError, match="in_base = 16777216"):
        isa.Conv(n=1, stream_offset=0, stream_beats=1, **fields).encode()


def test_end_is_zero_and_other_opcodes_are_refused() -> None:
    assert decode(bytes(64)) == isa.End()
    with pytest.raises(PointwiseError, match="opcode 9"):
        decode(bytes([9]) + bytes(63))
