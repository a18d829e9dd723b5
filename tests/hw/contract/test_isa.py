"""Instructions: every field comes back, in its place, and one that does not fit is refused."""

import dataclasses
import random

import pytest

from hw.contract import isa
from hw.contract.errors import PointwiseError

ENUMS = {"prologue": isa.Prologue, "stationary": isa.Stationary, "space": isa.Space, "base": isa.Base}


def drawn(kind: type, layout: tuple[tuple[str, int], ...], rng: random.Random) -> isa.Instruction:
    """An instruction with random fields, each often at an end of its range."""
    widths, values = dict(layout), {}
    for field in dataclasses.fields(kind):
        name = field.name
        if field.type in (bool, "bool"):
            values[name] = rng.random() < 0.5
        elif name in ENUMS:
            values[name] = rng.choice(list(ENUMS[name]))
        else:
            top = (1 << widths[name]) - 1
            values[name] = rng.choice((0, top, rng.randint(0, top)))
    return kind(**values)


@pytest.mark.parametrize(("kind", "layout"), [(isa.Conv, isa.CONV_LAYOUT), (isa.Dma, isa.DMA_LAYOUT)])
def test_random_instructions_come_back(kind: type, layout: tuple) -> None:
    rng = random.Random(1)
    for _ in range(200):
        instruction = drawn(kind, layout, rng)
        data = instruction.encode()
        assert len(data) == isa.INSTRUCTION_BYTES
        assert isa.decode(data) == instruction


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
    assert isa.decode(bytes(64)) == isa.End()
    with pytest.raises(PointwiseError, match="opcode 9"):
        isa.decode(bytes([9]) + bytes(63))
