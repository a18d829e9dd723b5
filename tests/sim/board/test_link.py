"""Lines that go away, servers that are none, and slow lines: each ends in a sentence."""

import dataclasses
import errno
import os
import socket
import termios
import threading
from contextlib import suppress

import pytest

pytest.importorskip("litex", reason="needs LiteX; run make fpga")

import serial

from pointwise.hw.contract.errors import PointwiseError
from pointwise.sim.board.link import UartLink, connect
from pointwise.sim.board.transfer import ATTEMPTS, Checked
from tests.sim.board.bridge import Bridge
from tests.sim.board.example import DESCRIPTION


@pytest.mark.parametrize(
    ("uart", "server", "message"),
    [
        (None, None, "either --uart"),
        ("/dev/ttyX", "a:1", "either --uart"),
        (
            "/dev/no-such-port",
            None,
            "^there is no serial port /dev/no-such-port; plug the board in",
        ),
        ("/dev/null", None, r"/dev/null cannot be opened at \d+ baud \("),
        (None, "nowhere", "host:port"),
        (None, "localhost:²", "host:port"),
        (None, "localhost:0", "host:port"),
        (None, "localhost:65536", "host:port"),
        (None, "localhost:1", "no litex_server answers"),
        (None, f"{'a' * 64}.b:1", "no litex_server answers"),
    ],
)
def test_a_link_that_cannot_be_had_is_told(uart, server, message):
    with pytest.raises(PointwiseError, match=message):
        connect(DESCRIPTION, uart, server)


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.EACCES, "you may not use the serial port /dev/ttyUSB7; .* the udev rule in docs/fpga.md$"),
        (
            errno.EBUSY,
            r"cannot be opened at 9600 baud \(Device or resource busy\); .* has it$",
        ),
    ],
)
def test_a_port_that_cannot_be_opened_is_one_error(monkeypatch, number, words):
    """pyserial puts the system's error into the text of its own."""

    def fail(self, *_):
        inner = OSError(number, os.strerror(number), "/dev/ttyUSB7")
        raise serial.SerialException(number, f"could not open port /dev/ttyUSB7: {inner}")

    monkeypatch.setattr("litex.tools.remote.comm_uart.CommUART.__init__", fail)
    with pytest.raises(PointwiseError, match=words) as told:
        UartLink("/dev/ttyUSB7", 9600)
    assert "Errno" not in str(told.value)


@pytest.mark.parametrize(
    ("method", "error"),
    [
        ("inWaiting", OSError(5, "Input/output error")),
        ("write", serial.SerialException("write failed: [Errno 5] Input/output error")),
        ("write", BrokenPipeError(32, "Broken pipe")),
        ("read", serial.SerialException("device reports readiness to read but returned no data")),
        ("flush", termios.error(5, "Input/output error")),
        ("reset_input_buffer", termios.error(5, "Input/output error")),
    ],
)
def test_a_port_that_goes_away_is_told(board_on, monkeypatch, method, error):
    bridge = Bridge(DESCRIPTION)
    board = board_on(bridge)
    board.check_alive()

    def fail(*arguments):
        raise error

    if method in ("flush", "reset_input_buffer"):
        bridge.deaf = True
    monkeypatch.setattr(bridge, method, fail)
    with pytest.raises(PointwiseError, match=r"/dev/ttyBOARD went away; plug the board in again$"):
        board.check_alive()


GREETING = b"CommUART:localhost:1234"
WEB = b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n" + bytes(1000)
PACKET = bytes.fromhex("4e6f1044 00000000 000f0100 00000000")
"""An answer of litex_server up to its data: one word."""


@pytest.fixture
def server_that():
    """A function that starts a server which greets, reads a request, answers and closes; gives host:port."""
    listening = socket.create_server(("localhost", 0))

    def start(greeting, answer=b"", clients=1):
        def serve():
            for _ in range(clients):
                client, _ = listening.accept()
                with client, suppress(ConnectionError):
                    client.sendall(greeting)
                    if greeting:
                        client.recv(4096)
                        client.sendall(answer)
            listening.close()

        threading.Thread(target=serve, daemon=True).start()
        return f"localhost:{listening.getsockname()[1]}"

    yield start
    listening.close()


def test_a_word_of_a_server_arrives(server_that):
    link = connect(DESCRIPTION, None, server_that(GREETING, PACKET + b"\0\0\1\2"))
    assert link.read(0) == [0x102]
    link.close()


@pytest.mark.parametrize(
    ("greeting", "answer", "message"),
    [
        (b"", b"", "no litex_server answers at .*closes the connection at once"),
        (b"SSH-2.0-OpenSSH\r\n", b"", "is no litex_server"),
        (GREETING, WEB, "is no litex_server"),
        (GREETING, PACKET[:8] + bytes(4), "is no litex_server"),
        (GREETING, PACKET[:10] + b"\x02\0" + bytes(12), "is no litex_server"),
        (GREETING, b"", "went away; start it again"),
    ],
    ids=["closes", "another greeting", "web", "no words", "too many words", "gone"],
)
def test_a_server_that_is_none_is_told(server_that, greeting, answer, message):
    where = server_that(greeting, answer)
    with pytest.raises(PointwiseError, match=message):
        Checked(connect(DESCRIPTION, None, where)).read_volatile(0)


def test_a_server_whose_connection_breaks_is_told(server_that, monkeypatch):
    link = connect(DESCRIPTION, None, server_that(GREETING))
    for error in (BrokenPipeError(32, "Broken pipe"), ConnectionResetError(104, "Connection reset by peer")):

        def fail(*arguments, error=error):
            raise error

        monkeypatch.setattr(link, "send_packet", fail)
        for use in (lambda: link.read(0), lambda: link.write(0, [1])):
            with pytest.raises(PointwiseError, match="went away; start it again"):
                use()
    link.close()


@pytest.mark.parametrize("baud", [9600, 57_600, 115_200])
def test_no_command_takes_longer_than_the_bridge_remembers(board_on, baud):
    bridge = Bridge(dataclasses.replace(DESCRIPTION, baud=baud))
    board = board_on(bridge)
    data = bytes(range(256)) * 8
    board.bus.write(DESCRIPTION.sdram_base, data)
    assert board.bus.read(DESCRIPTION.sdram_base, len(data)) == data
    assert 0.05 < bridge.longest * 10 / baud < 0.1


def test_a_line_that_is_too_slow_is_told():
    for uart, server in (("/dev/ttyBOARD", None), (None, "localhost:1234")):
        with pytest.raises(PointwiseError, match="1200 baud is too slow"):
            connect(dataclasses.replace(DESCRIPTION, baud=1200), uart, server)


class Slip:
    """A link to memory, of which some readings are wrong."""

    name, slowdown, most_words = "nowhere", 1.0, 255

    def __init__(self, wrong):
        self.words, self.wrong, self.count = {}, wrong, 0

    def read(self, address, length=1):
        self.count += 1
        slip = self.count - 1 in self.wrong
        return [self.words[address + 4 * i] ^ slip for i in range(length)]

    def write(self, address, words):
        for index, word in enumerate(words):
            self.words[address + 4 * index] = word

    def recover(self):
        pass


@pytest.mark.parametrize("passes", [ATTEMPTS, ATTEMPTS + 1])
def test_the_last_pass_counts_too(passes):
    # The first pass reads twice, one that compares four times, each with its first reading wrong.
    line = Checked(Slip({0} | {2 + 4 * number for number in range(passes - 1)}))
    if passes > ATTEMPTS:
        with pytest.raises(PointwiseError, match="no pass of sending 4 bytes was without a fault"):
            line.write(0, b"word", look=False)
    else:
        line.write(0, b"word", look=False)
    assert line.faults == passes
