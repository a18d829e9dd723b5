"""Runs on a bad line: what a garbled address may have hit is checked or sent again, or told."""

import pytest

pytest.importorskip("litex", reason="needs LiteX; run make fpga")

from pointwise.hw.contract.errors import PointwiseError
from pointwise.hw.contract.registers import Register
from tests.sim.board.bridge import Bridge, an_image, at
from tests.sim.board.example import DESCRIPTION, IMAGE, INPUT, OTHER

CORE = DESCRIPTION.core_base
FIRST = DESCRIPTION.sdram_base + 5 * 4096
"""Where the input lies."""
REGISTERS = tuple(
    CORE + register
    for register in (Register.INPUT_BASE, Register.OUTPUT_BASE, Register.INTERRUPT, Register.CONTROL)
)


def test_the_image_is_checked_in_the_first_run_and_after_faults_only(board_on):
    bridge = Bridge(DESCRIPTION)
    earlier = board_on(bridge)
    earlier.load(IMAGE)
    earlier.run(IMAGE, INPUT, 64, seconds=1)
    board = board_on(bridge)
    checks = []
    for stray in ({}, {}, {CORE + Register.CONTROL: CORE + Register.WATCHDOG}, {}):
        bridge.stray = stray
        assert board.run(IMAGE, INPUT, 64, seconds=1)[1] == INPUT[::-1]
        checks.append(bridge.checks)
    assert checks == [2, 2, 3, 3]


def test_an_image_of_the_same_size_is_checked(board_on):
    bridge = Bridge(DESCRIPTION)
    board = board_on(bridge)
    for number, image in enumerate((IMAGE, OTHER)):
        board.load(image)
        board.run(image, INPUT, 64, seconds=1)
        assert bridge.checks == number + 1


@pytest.mark.parametrize("address", [FIRST, *REGISTERS])
def test_an_image_that_a_garbled_address_hit_is_not_run(board_on, address):
    bridge = Bridge(DESCRIPTION)
    board = board_on(bridge)
    board.load(IMAGE)
    board.run(IMAGE, INPUT, 64, seconds=1)
    for register in REGISTERS[:2]:
        bridge.words[register] = 0
    bridge.words[REGISTERS[2]] = 1
    bridge.stray = {address: DESCRIPTION.sdram_base + 4096}
    with pytest.raises(PointwiseError, match=r"CHECKSUM.*load it again"):
        board.run(IMAGE, bytes(range(64)), 64, seconds=1)


def test_nothing_is_written_that_would_not_be_missed(board_on):
    bridge = Bridge(DESCRIPTION)
    board = board_on(bridge)
    board.load(IMAGE)
    board.run(IMAGE, INPUT, 64, seconds=1)
    bridge.words[REGISTERS[2]] = 0
    astray = dict.fromkeys([FIRST, *REGISTERS[:3]], DESCRIPTION.sdram_base + 4096)
    bridge.stray = dict(astray)
    assert board.run(IMAGE, INPUT, 64, seconds=1)[1] == INPUT[::-1]
    assert bridge.stray == astray


@pytest.mark.parametrize("send", [True, False])
@pytest.mark.parametrize("register", REGISTERS)
def test_an_input_that_a_garbled_address_hit_is_sent_again(board_on, register, send):
    bridge = Bridge(DESCRIPTION)
    board = board_on(bridge)
    board.load(IMAGE)
    board.bus.write(FIRST, INPUT)
    bridge.stray = {register: FIRST + 8}
    bridge.words[REGISTERS[2]] = 1
    assert board.run(IMAGE, INPUT, 64, seconds=1, send=send)[1] == INPUT[::-1]


def test_a_fault_after_the_start_means_another_start(board_on):
    bridge = Bridge(DESCRIPTION, busy_looks=20)
    board = board_on(bridge)
    board.load(IMAGE)
    before = bridge.count
    board.run(IMAGE, INPUT, 64, seconds=1)
    first = bridge.count - before
    # A byte of each answer to the look at STATUS is lost in turn; the run that it belongs to is one too many.
    assert board.run(IMAGE, INPUT, 64, seconds=1)[1] == INPUT[::-1]
    for place in range(bridge.count + first // 3, bridge.count + first, 7):
        bridge.fault = at({place}, lambda byte: None)
        assert board.run(IMAGE, INPUT, 64, seconds=1)[1] == INPUT[::-1]
        bridge.fault = at((), None)


def test_a_garbled_answer_that_looks_like_the_end_is_not_believed(board_on):
    bridge = Bridge(DESCRIPTION, busy_looks=12)
    board = board_on(bridge)
    board.load(IMAGE)
    board.bus.write(FIRST, INPUT)
    bridge.fault = EarlyInterrupt(bridge)
    assert board.run(IMAGE, INPUT, 64, seconds=1)[1] == INPUT[::-1]
    assert bridge.fault.lies


class EarlyInterrupt:
    """Makes an answer about INTERRUPT to one that says so, while the core is at work."""

    def __init__(self, bridge):
        self.bridge, self.byte, self.lies = bridge, 0, 0
        self.question = bytes([2, 1]) + ((CORE + Register.INTERRUPT) // 4).to_bytes(4, "big")

    def __call__(self, index, byte):
        answering = len(self.bridge.command) == 6
        self.byte = self.byte + 1 if answering else 0
        if self.byte == 4 and self.bridge.command == self.question and self.bridge.looks_left:
            self.lies += 1
            return byte | 1
        return byte


def test_a_run_waits_for_an_earlier_one(board_on):
    bridge = Bridge(DESCRIPTION)
    board = board_on(bridge)
    board.load(IMAGE)
    board.run(IMAGE, bytes(64), 64, seconds=1)
    bridge.busy_looks = 30
    bridge.write(bytes([1, 1]) + ((CORE + Register.CONTROL) // 4).to_bytes(4, "big") + (1).to_bytes(4, "big"))
    assert bridge.looks_left
    assert board.run(IMAGE, INPUT, 64, seconds=1)[1] == INPUT[::-1]


def test_a_core_that_does_not_finish_is_told(board_on):
    bridge = Bridge(DESCRIPTION, busy_looks=10**9)
    board = board_on(bridge)
    board.load(IMAGE)
    with pytest.raises(PointwiseError, match=r"has not finished after 0\.01 s"):
        board.run(IMAGE, INPUT, 64, seconds=0.01)
    with pytest.raises(PointwiseError, match=r"has not finished after 0\.01 s"):
        board.bring_up(seconds=0.01)
    assert not bridge.issued
    bridge.looks_left = 1
    board.bring_up(seconds=1)
    assert bridge.issued


def test_another_image_on_the_board_is_told(board_on):
    board = board_on(Bridge(DESCRIPTION))
    board.load(OTHER)
    longer = an_image(DESCRIPTION.core, bytes(20_032))
    for wanted in (IMAGE, longer, bytes([IMAGE[0] ^ 1]) + OTHER[1:]):
        with pytest.raises(PointwiseError, match=r"another image is on the board.*board load first"):
            board.run(wanted, INPUT, 64, seconds=1)
    assert board.run(OTHER, INPUT, 64, seconds=1)[1] == INPUT[::-1]
