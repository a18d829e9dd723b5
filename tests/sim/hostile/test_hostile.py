"""Hostile images: some in the core, more in the emulator, and that a broken promise is noticed."""

import json

import pytest

from pointwise.hw.contract import windows
from pointwise.hw.contract.errors import PointwiseError
from pointwise.hw.contract.isa import Base
from pointwise.hw.contract.registers import Error
from pointwise.sim.hostile import emulated, expected
from pointwise.sim.hostile.emulated import Broken, emulate
from pointwise.sim.hostile.fuzz import fuzz
from pointwise.sim.hostile.programs import CONFIG, hostile
from pointwise.sim.hostile.simulated import BATCH, simulate
from tests.slow import few

FIRST = 1_000_000
"""Seeds that the recorded run does not have."""


@pytest.mark.parametrize("batch", few((0, 1), (1,)))
def test_in_the_core(batch):
    first = FIRST + batch * BATCH
    ends = simulate(range(first, first + BATCH), swift=batch == 1)
    assert ends.total() == BATCH
    assert ends["WINDOW"] > 0


@pytest.mark.slow
def test_in_the_emulator(tmp_path):
    report = tmp_path / "hostile.json"
    fuzz(0, 1500, FIRST, report)
    found = json.loads(report.read_text())["emulator"]
    assert found["cases"] == 1500
    # All kinds of ends are among them, so that the images are neither all good nor all alike.
    assert {"ran", "WINDOW", "OPERAND", "OPCODE", "VERSION", "MEMORY", "not sound"} <= set(found["ends"])
    assert found["ends"]["ran"] > 150


def test_a_window_that_is_a_beat_too_large_is_noticed(monkeypatch):
    """The emulator with a wrong comparison, against ends that are found with the right one."""

    def lax(dma, row, lengths, config, index=None):
        larger = {base: size + config.bus_bytes for base, size in lengths.items()}
        windows.check_row(dma, row, larger, config, index)

    monkeypatch.setattr("pointwise.model.emulator.machine.check_row", lax)
    with pytest.raises((Broken, PointwiseError, ValueError)):
        emulate(range(FIRST, FIRST + 1500))


def test_an_end_that_an_image_cannot_have_is_noticed(monkeypatch):
    nothing = {expected.Ending(Error.NONE, 0, 0)}
    monkeypatch.setattr(emulated, "possible_ends", lambda *_: nothing)
    with pytest.raises(Broken, match="a core would end in one of"):
        emulate(range(FIRST, FIRST + 50))


def test_images_are_the_same_for_a_seed():
    assert hostile(7) == hostile(7) != hostile(8)
    assert hostile(7).windows[Base.IMAGE] == len(hostile(7).image)
    assert CONFIG.act_words > 0
