"""The memory image's header and trailer: what is accepted, and what each damage is called."""

import dataclasses

import pytest

from pointwise.hw.contract.config import CoreConfig
from pointwise.hw.contract.errors import Refused
from pointwise.hw.contract.image import VERSION, Header, check, seal, shape_word

CORE = CoreConfig(rows=4, cols=8)
HEADER = Header(
    shape=shape_word(CORE),
    length=256,
    program_offset=64,
    program_length=1,
    max_tokens=17,
    act_words=100,
    res_words=10,
    input_bytes=64,
    output_bytes=64,
)


def image(**changes: int) -> bytes:
    return seal(dataclasses.replace(HEADER, **changes).encode() + bytes(128))


def test_a_good_image_gives_its_header() -> None:
    assert check(image(), CORE) == HEADER
    assert check(image()) == HEADER


@pytest.mark.parametrize(
    ("damaged", "said"),
    [
        (b"", "0 bytes"),
        (bytes(64), "no Pointwise image"),
        (image()[:4] + bytes([VERSION + 1]) + image()[5:], f"version {VERSION + 1}"),
        (image()[:-64], "192 bytes, its header says 256"),
        (image()[:100] + b"\x01" + image()[101:], "checksum is wrong"),
        (image(shape=shape_word(CoreConfig())), "for a core of shape"),
        (image(length=128), "its header says 128"),
        (image(program_offset=0), "program_offset = 0; expected at least 64, a multiple of 64"),
        (image(program_offset=96), "program_offset = 96"),
        (image(program_length=0), "program_length = 0; expected 1..65535"),
        (image(program_length=1 << 16), "program_length = 65536"),
        (image(program_offset=128, program_length=2), "program_length = 6; expected at most 3"),
        (image()[:63] + b"\x01" + image()[64:], "reserved15 = 16777216; expected 0"),
        (image(max_tokens=257), "max_tokens = 257"),
        (image(act_words=1 << 23), "act_words"),
        (image(res_words=1 << 23), "res_words"),
    ],
)
def test_each_damage_has_its_sentence(damaged: bytes, said: str) -> None:
    with pytest.raises(Refused, match=said):
        check(damaged, CORE)
