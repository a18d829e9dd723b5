"""The host's side against the bridge in Python: every fault of the line is mended or told."""

import json
import random

import pytest

pytest.importorskip("litex", reason="needs LiteX; run make fpga")

from hw.contract.config import PRESETS
from hw.contract.errors import PointwiseError
from hw.contract.registers import Error
from sim.board import link as links
from sim.board.device import Board, Description, connect, memory_of
from tests.sim.board.bridge import Bridge

DESCRIPTION = Description(
    board="ulx3s-85f",
    clock_hz=100_000_000,
    baud=3_000_000,
    core=PRESETS["tiny"],
    core_base=0x3000_0000,
    sdram_base=0x4000_0000,
    sdram_bytes=1 << 20,
    scratch=4,
    sdram_init=[{"address": 0x800, "value": 14, "wait_us": 1}],
)
IMAGE = random.Random(5).randbytes(20_000)
INPUT = random.Random(6).randbytes(64)


@pytest.fixture
def board_on(monkeypatch):
    """A function from a bridge to the board behind it."""

    def make(bridge):
        monkeypatch.setattr(links.serial, "serial_for_url", lambda port, baud: bridge)
        monkeypatch.setattr(links.time, "sleep", lambda seconds: None)
        return Board(DESCRIPTION, connect(DESCRIPTION, "/dev/ttyBOARD", None))

    return make


def at(positions, change):
    """A fault of the line at some bytes."""
    return lambda index, byte: change(byte) if index in positions else byte


def memory(bridge, size):
    base = DESCRIPTION.sdram_base
    return b"".join(bridge.words.get(base + i, 0).to_bytes(4, "little") for i in range(0, size, 4))


def test_load_and_run_on_a_clean_line(board_on):
    bridge = Bridge(DESCRIPTION)
    board = board_on(bridge)
    board.check_alive()
    board.bring_up()
    board.load(IMAGE)
    assert memory(bridge, len(IMAGE)) == IMAGE
    outcome, output = board.run(INPUT, 64, seconds=1)
    assert (output, outcome.cycles, outcome.error) == (INPUT[::-1], 1234, Error.NONE)
    assert board.bus.faults == 0
    assert board.status()["state"] == "done"


@pytest.mark.parametrize("change", [lambda byte: None, lambda byte: byte ^ 0x10], ids=["lost", "garbled"])
@pytest.mark.parametrize("seed", range(8))
def test_bytes_that_are_lost_or_garbled_are_noticed_and_repeated(board_on, seed, change):
    positions = set(random.Random(seed).sample(range(45_000), 12))
    bridge = Bridge(DESCRIPTION, fault=at(positions, change))
    board = board_on(bridge)
    board.check_alive()
    board.load(IMAGE)
    assert memory(bridge, len(IMAGE)) == IMAGE
    assert board.run(INPUT, 64, seconds=1)[1] == INPUT[::-1]
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
    assert board.run(INPUT, 64, seconds=1, send=False)[1] == INPUT[::-1]
    assert bridge.count - sent < 2000


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
    assert board.run(INPUT, 64, seconds=1)[1] == INPUT[::-1]


def test_a_core_that_never_starts_is_told(board_on):
    board = board_on(Bridge(DESCRIPTION, loses_starts=99))
    board.load(IMAGE)
    with pytest.raises(PointwiseError, match="does not start"):
        board.run(INPUT, 64, seconds=1)


def test_an_error_of_the_core_is_told(board_on):
    board = board_on(Bridge(DESCRIPTION, error=Error.CHECKSUM))
    board.load(IMAGE)
    with pytest.raises(PointwiseError, match="CHECKSUM"):
        board.run(INPUT, 64, seconds=1)


def test_what_does_not_fit_or_is_not_there_is_told(board_on):
    board = board_on(Bridge(DESCRIPTION))
    with pytest.raises(PointwiseError, match="no image is on the board"):
        board.run(INPUT, 64, seconds=1)
    with pytest.raises(PointwiseError, match="does not fit"):
        board.load(bytes(DESCRIPTION.sdram_bytes + 1))


def test_another_core_is_told(board_on):
    bridge = Bridge(DESCRIPTION)
    bridge.words[DESCRIPTION.core_base + 8] ^= 1
    with pytest.raises(PointwiseError, match="another core"):
        board_on(bridge).check_alive()


@pytest.mark.parametrize(
    ("uart", "server", "message"),
    [
        (None, None, "either --uart"),
        ("/dev/ttyX", "a:1", "either --uart"),
        ("/dev/no-such-port", None, "cannot be opened"),
        (None, "nowhere", "host:port"),
        (None, "localhost:1", "no litex_server answers"),
    ],
)
def test_a_link_that_cannot_be_had_is_told(uart, server, message):
    with pytest.raises(PointwiseError, match=message):
        connect(DESCRIPTION, uart, server)


def test_descriptions_are_read_or_refused(tmp_path):
    with pytest.raises(PointwiseError, match="cannot be read"):
        Description.read(tmp_path)
    (tmp_path / "board.json").write_text("{}")
    with pytest.raises(PointwiseError, match="does not describe a board"):
        Description.read(tmp_path)
    values = {**vars(DESCRIPTION), "core": json.loads(DESCRIPTION.core.to_json())}
    (tmp_path / "board.json").write_text(json.dumps(values))
    assert Description.read(tmp_path) == DESCRIPTION
