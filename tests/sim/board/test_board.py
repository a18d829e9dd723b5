"""The host's side against the bridge in Python: every fault of the line is mended or told."""

import dataclasses
import random

import pytest

pytest.importorskip("litex", reason="needs LiteX; run make fpga")

from pointwise.hw.contract.errors import PointwiseError
from pointwise.hw.contract.registers import Error, Register
from pointwise.sim.board.device import memory_of
from tests.sim.board.bridge import Bridge, at
from tests.sim.board.example import DESCRIPTION, IMAGE, INPUT, MEMORY_COMMANDS

CORE = DESCRIPTION.core_base


def memory(bridge, size):
    return bridge.memory(DESCRIPTION.sdram_base, size)


def test_load_and_run_on_a_clean_line(board_on):
    bridge = Bridge(DESCRIPTION)
    board = board_on(bridge)
    board.check_alive()
    assert board.core.status()["image"].startswith("none since power-up")
    board.bring_up(seconds=1)
    board.load(IMAGE)
    assert board.core.status()["image"] == f"{len(IMAGE):,} bytes"
    assert memory(bridge, len(IMAGE)) == IMAGE
    outcome, output = board.run(IMAGE, INPUT, 64, seconds=1)
    assert (output, outcome.cycles, outcome.error) == (INPUT[::-1], 1234, Error.NONE)
    assert board.bus.faults == 0
    assert board.core.status()["state"] == "done"


@pytest.mark.parametrize("change", [lambda byte: None, lambda byte: byte ^ 0x10], ids=["lost", "garbled"])
@pytest.mark.parametrize("seed", range(10, 18))
def test_bytes_that_are_lost_or_garbled_are_noticed_and_repeated(board_on, seed, change):
    positions = set(random.Random(seed).sample(range(45_000), 6))
    bridge = Bridge(DESCRIPTION, fault=at(positions, change))
    board = board_on(bridge)
    board.check_alive()
    board.load(IMAGE)
    assert memory(bridge, len(IMAGE)) == IMAGE
    assert board.run(IMAGE, INPUT, 64, seconds=1)[1] == INPUT[::-1]
    assert board.bus.faults


def test_data_that_a_garbled_address_put_elsewhere_is_found(board_on):
    base = DESCRIPTION.sdram_base
    bridge = Bridge(DESCRIPTION)
    board = board_on(bridge)
    # The address of the sixth chunk becomes that of the second, after the second was compared.
    before = 5 * (6 + 1020 + 6 + 1020)
    second, sixth = ((base + 1020 * n) // 4 for n in (1, 5))
    wrong = dict(enumerate(second.to_bytes(4, "big"), before + 2))
    assert second != sixth
    bridge.fault = lambda index, byte: wrong.get(index, byte)
    board.bus.write(base, IMAGE)
    assert memory(bridge, len(IMAGE)) == IMAGE


def test_a_memory_that_is_full_already_is_run(board_on):
    bridge = Bridge(DESCRIPTION)
    board = board_on(bridge)
    data = memory_of(IMAGE, INPUT)
    for place in range(0, len(data), 4):
        bridge.words[DESCRIPTION.sdram_base + place] = int.from_bytes(data[place : place + 4], "little")
    board.point_at(len(IMAGE))
    sent = bridge.count
    assert board.run(IMAGE, INPUT, 64, seconds=1, send=False)[1] == INPUT[::-1]
    assert bridge.count - sent < 3000


def test_a_garbled_answer_is_not_believed(board_on):
    bridge = Bridge(DESCRIPTION)
    board = board_on(bridge)
    board.bus.write(DESCRIPTION.sdram_base, INPUT)
    answer = bridge.count + 6  # behind the command
    bridge.fault = at({answer + 9}, lambda byte: byte ^ 1)
    assert board.bus.read(DESCRIPTION.sdram_base, len(INPUT)) == INPUT
    assert board.bus.faults == 1


def test_a_line_that_garbles_everything_is_told(board_on):
    noise = random.Random(1)
    bridge = Bridge(DESCRIPTION, fault=lambda index, byte: byte ^ (noise.random() < 0.1))
    with pytest.raises(PointwiseError, match="garbles data"):
        board_on(bridge).load(IMAGE)


def test_a_silent_board_is_told(board_on):
    with pytest.raises(PointwiseError, match="does not answer"):
        board_on(Bridge(DESCRIPTION, deaf=True)).check_alive()


def test_a_start_that_is_lost_is_repeated(board_on):
    board = board_on(Bridge(DESCRIPTION, loses_starts=2))
    board.load(IMAGE)
    assert board.run(IMAGE, INPUT, 64, seconds=1)[1] == INPUT[::-1]


def test_a_core_that_never_starts_is_told(board_on):
    board = board_on(Bridge(DESCRIPTION, loses_starts=99))
    board.load(IMAGE)
    with pytest.raises(PointwiseError, match="does not start"):
        board.run(IMAGE, INPUT, 64, seconds=1)


def test_an_error_of_the_core_is_told(board_on):
    board = board_on(Bridge(DESCRIPTION, error=Error.CHECKSUM))
    board.load(IMAGE)
    with pytest.raises(PointwiseError, match="CHECKSUM"):
        board.run(IMAGE, INPUT, 64, seconds=1)


def test_an_unknown_error_of_the_core_is_told(board_on):
    board = board_on(Bridge(DESCRIPTION, error=77))
    board.load(IMAGE)
    with pytest.raises(PointwiseError, match="unknown error 77"):
        board.run(IMAGE, INPUT, 64, seconds=1)
    assert board.core.status()["error"] == "unknown, 77"


def test_what_does_not_fit_or_is_not_there_is_told(board_on):
    board = board_on(Bridge(DESCRIPTION))
    with pytest.raises(PointwiseError, match="no image is on the board"):
        board.run(IMAGE, INPUT, 64, seconds=1)
    with pytest.raises(PointwiseError, match="does not fit"):
        board.load(bytes(DESCRIPTION.sdram_bytes + 1))


@pytest.mark.parametrize("spare", [-4, 0])
def test_the_blocks_must_fit_behind_the_image(board_on, spare):
    pages = 5 * 4096 + 4096 + 64  # the image, the input, the output
    board = board_on(Bridge(dataclasses.replace(DESCRIPTION, sdram_bytes=pages + spare)))
    board.load(IMAGE)
    if spare < 0:
        with pytest.raises(PointwiseError, match="image, input and output take 24,640 bytes"):
            board.run(IMAGE, INPUT, 64, seconds=1)
    else:
        assert board.run(IMAGE, INPUT, 64, seconds=1)[1] == INPUT[::-1]


def test_bringing_up_the_memory_outlives_the_loss_of_any_byte(board_on):
    bridge = Bridge(DESCRIPTION)
    board_on(bridge).bring_up(seconds=1)
    assert [issued[:3] for issued in bridge.issued] == MEMORY_COMMANDS
    for lost in range(bridge.count):
        bridge = Bridge(DESCRIPTION, fault=at({lost}, lambda byte: None))
        board = board_on(bridge)
        board.bring_up(seconds=1)
        assert bridge.issued[-len(MEMORY_COMMANDS) :] == [(*step, 14) for step in MEMORY_COMMANDS]
        assert bridge.words[DESCRIPTION.sdram_init[0]["address"]] == 1
        assert board.bus.faults


@pytest.mark.parametrize("name", ["MAGIC", "VERSION", "SHAPE", "MAX_TOKENS", "ACT_WORDS", "RES_WORDS"])
def test_another_core_is_told(board_on, name):
    bridge = Bridge(DESCRIPTION)
    bridge.fixed[CORE + Register[name]] ^= 1
    with pytest.raises(PointwiseError, match=f"another core.*{name} is"):
        board_on(bridge).check_alive()
