"""Two ways to a board's bus through LiteX: its serial line directly, or a litex_server that has it.

Both read and write 32-bit words, raise ``LinkTimeout`` when nothing comes back, and end in a sentence when
the line itself is gone. Neither notices a byte that was garbled: that is what ``transfer`` is for.
"""

import errno
import os
import re
import struct
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from pointwise.hw.contract.errors import PointwiseError

from .description import Description

try:
    from litex.tools.litex_client import RemoteClient
    from litex.tools.remote.comm_uart import CMD_READ_BURST_INCR, CMD_WRITE_BURST_INCR, CommUART
except ModuleNotFoundError as error:
    raise PointwiseError(
        f"the Python package {error.name} is not installed, which talks to boards; run make fpga"
    ) from error

MOST_WORDS = 255
"""Words of one command of the bridge, and of one packet of litex_server."""
FEWEST_WORDS = 8
"""Words that a command must have room for: as many registers are read at once."""
HEAD_BYTES = 6
BRIDGE_RESET_SECONDS = 0.1
"""So long after a command's first byte the bridge forgets it, finished or not."""
MARGIN = 0.9
"""Of that time a command may take so much: there are pauses between bytes."""


class LinkTimeout(Exception):
    """No answer, or not all of it, came in time."""


class Link(Protocol):
    """What there are two of.

    Attributes:
        name: of the port. slowdown: how much slower than real the board is. most_words: of a command.
    """

    name: str
    slowdown: float
    most_words: int

    def read(self, address: int, length: int = 1) -> list[int]: ...
    def write(self, address: int, words: list[int]) -> None: ...
    def recover(self) -> None: ...


def connect(description: Description, uart: str | None, server: str | None) -> Link:
    """The link that the options name.

    Raises:
        PointwiseError: neither or both are named, or it cannot be opened.
    """
    if (uart is None) == (server is None):
        raise PointwiseError(
            "how is the board reached? Give either --uart with its serial port or --server with host:port of "
            "a litex_server"
        )
    if uart is not None:
        return UartLink(uart, description.baud, slowdown=description.slowdown)
    place = re.fullmatch(r"(.+):(\d{1,5})", server or "", re.ASCII)
    if place is None or not 0 < int(place[2]) < 1 << 16:
        raise PointwiseError(f"--server {server} should be host:port, such as localhost:1234")
    return ServerLink(place[1], int(place[2]), description.baud, slowdown=description.slowdown)


def words_at(baud: int) -> int:
    """Words of the longest command that the bridge does not forget before its end.

    Raises:
        PointwiseError: hardly any.
    """
    fitting = int(MARGIN * BRIDGE_RESET_SECONDS * baud / 10 - HEAD_BYTES) // 4
    if fitting < FEWEST_WORDS:
        raise PointwiseError(
            f"a line of {baud} baud is too slow for LiteX's bridge, which forgets a command after "
            f"{BRIDGE_RESET_SECONDS:g} s; build the system with a line of 9600 baud at least"
        )
    return min(fitting, MOST_WORDS)


@contextmanager
def _error_context(sentence: str) -> Iterator[None]:
    """Say so where the system or pyserial, whose errors are OSErrors, finds that the line is gone."""
    try:
        yield
    except (OSError, termios.error) as error:
        raise PointwiseError(sentence) from error


def _not_opened(port: str, baud: int, error: Exception) -> str:
    """What to tell a person about a port that cannot be opened; pyserial puts one error into another."""
    number = getattr(error, "errno", None)
    if number == errno.ENOENT:
        there = ", ".join(sorted(map(str, Path("/dev").glob("tty[UA][SC][BM]*")))) or "none of a USB adapter"
        return f"there is no serial port {port}; plug the board in, or name another one (there are: {there})"
    if number == errno.EACCES:
        return (
            f"you may not use the serial port {port}; become a member of its group and log in again, or take "
            "the udev rule in docs/fpga.md"
        )
    why = error if number is None else os.strerror(number)
    return (
        f"the serial port {port} cannot be opened at {baud} baud ({why}); check its name, and that no other "
        "program has it"
    )


class UartLink(CommUART):
    """LiteX's UART bridge, with a time limit and longer commands.

    Args:
        port: of the serial line, such as /dev/ttyUSB0, or anything that pyserial opens.
        baud: its speed.
        slowdown: how much slower than real a board is: 1, or more for a simulated one.

    Raises:
        PointwiseError: the port cannot be opened.
    """

    def __init__(self, port: str, baud: int, *, slowdown: float = 1.0) -> None:
        self.name, self.slowdown, self.most_words = port, slowdown, words_at(baud)
        self.gone = f"the serial port {port} went away; plug the board in again"
        try:
            super().__init__(port, baud)
        except (OSError, ValueError, OverflowError, termios.error) as error:
            raise PointwiseError(_not_opened(port, baud, error)) from error
        # Generous: a word takes 40 bits, and a USB adapter holds bytes back for 16 ms.
        self.timeout_s = 0.25 + slowdown * 0.005 + 60 * 8 * self.most_words / baud * slowdown
        self.port.timeout = self.timeout_s

    def _read(self, length: int) -> bytes:
        got = self.port.read(length)
        if len(got) < length:
            raise LinkTimeout(f"{len(got)} of {length} bytes came")
        return got

    def read(self, address: int, length: int = 1) -> list[int]:
        """``length`` words, up to ``most_words``; raises LinkTimeout."""
        with _error_context(self.gone):
            self._flush()
            self._write(bytes([CMD_READ_BURST_INCR, length]) + (address // 4).to_bytes(4, "big"))
            data = self._read(4 * length)
        return [int.from_bytes(data[at : at + 4], "big") for at in range(0, len(data), 4)]

    def write(self, address: int, words: list[int]) -> None:
        """Up to ``most_words`` words; nothing is answered."""
        head = bytes([CMD_WRITE_BURST_INCR, len(words)]) + (address // 4).to_bytes(4, "big")
        with _error_context(self.gone):
            self._write(head + b"".join(word.to_bytes(4, "big") for word in words))

    def recover(self) -> None:
        """After a lost byte: wait until the bridge has forgotten the command, and drop what it still said."""
        with _error_context(self.gone):
            self.port.flush()
            time.sleep(BRIDGE_RESET_SECONDS * 1.2 * self.slowdown)
            self.port.reset_input_buffer()


class ServerLink(RemoteClient):
    """A litex_server somewhere on the network.

    Args:
        host, port: where it listens. baud: of the serial line behind it. slowdown: as above.

    Raises:
        PointwiseError: nobody listens there, or somebody else.
    """

    def __init__(self, host: str, port: int, baud: int, *, slowdown: float = 1.0) -> None:
        super().__init__(host, port, csr_data_width=32)
        self.csr_bus_address_width = 32
        self.name, self.slowdown, self.most_words = f"{host}:{port}", slowdown, words_at(baud)
        self.gone = f"the litex_server at {self.name} went away; start it again"
        try:
            self.open()
        except (OSError, UnicodeError) as error:  # the latter for a name that no host can have
            raise PointwiseError(
                f"no litex_server answers at {self.name} ({getattr(error, 'strerror', None) or error}); "
                "start one with litex_server --uart --uart-port PORT --uart-baudrate BAUD"
            ) from error

    def open(self) -> None:
        """Connect, and wait longer for answers than LiteX does."""
        super().open()
        self.socket.settimeout(2.0 + 0.1 * self.slowdown)

    def _receive_server_info(self) -> None:
        """The server greets with its kind of link, such as CommUART, and where it listens."""
        greeting = self.socket.recv(128)
        if not greeting:
            raise ConnectionError("it closes the connection at once")
        if not greeting.startswith(b"Comm"):
            raise self._protocol_error()

    def _protocol_error(self) -> PointwiseError:
        return PointwiseError(
            f"what answers at {self.name} is no litex_server; name the port that litex_server prints"
        )

    def receive_packet(self, connection: object, addr_size: int) -> bytes:
        """A packet; LiteX's own gives zeros for words that never came."""
        packet = super().receive_packet(connection, addr_size)
        if packet == 0:
            raise LinkTimeout("litex_server gave no answer")
        return packet

    def read(self, address: int, length: int = 1) -> list[int]:
        """``length`` words, up to ``most_words``; raises LinkTimeout."""
        try:
            with _error_context(self.gone):
                words = super().read(address, length)
                if not isinstance(words, list) or len(words) != length:
                    raise self._protocol_error()
                return words
        except (AssertionError, AttributeError, IndexError, ValueError, struct.error) as error:
            raise self._protocol_error() from error  # LiteX takes what it reads to be a packet of a server's

    def write(self, address: int, words: list[int]) -> None:
        """Up to ``most_words`` words; nothing is answered."""
        with _error_context(self.gone):
            super().write(address, words)

    def recover(self) -> None:
        """Connect anew: an answer that comes late must not be taken for another one's."""
        with _error_context(self.gone):
            self.close()
            time.sleep(BRIDGE_RESET_SECONDS * 1.2 * self.slowdown)
            self.open()
