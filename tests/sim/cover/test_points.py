"""Cover points: one for each thing of the contract, and what is met shows."""

import re

from pointwise.hw.contract.isa import CONV_LAYOUT, DMA_LAYOUT
from pointwise.hw.contract.registers import Cause, Error
from pointwise.sim.cover import cover_points, module
from pointwise.sim.cover.points import VECTOR
from pointwise.sim.hostile.programs import CONFIG


def test_every_cause_error_and_field_has_its_points():
    sets = {one.name: [words for words, _ in one.points] for one in cover_points(CONFIG)}
    assert all(len(set(names)) == len(names) for names in sets.values())
    assert len(sets["causes"]) == len(Cause) ** 2
    assert len(sets["errors"]) == 2 * (len(Error) - 1) + 1
    fields = [name for layout in (CONV_LAYOUT, DMA_LAYOUT, DMA_LAYOUT) for name, _ in layout]
    wanted = [name for name in fields if name != "opcode" and not name.startswith("reserved")]
    assert len(sets["fields"]) == 2 * len(wanted)
    assert "CONV.k greatest" in sets["fields"]
    assert "streamer and STORE, read, act bank 1" in sets["banks"]


def test_each_point_drives_a_bit_of_its_own():
    text = module(CONFIG)
    bits = re.findall(r"^    (\w+_\d+\[\d+\]) <= ", text, re.MULTILINE)
    assert len(bits) == len(set(bits)) == sum(len(one.points) for one in cover_points(CONFIG))
    assert all(int(bit.partition("[")[2][:-1]) < VECTOR for bit in bits)
