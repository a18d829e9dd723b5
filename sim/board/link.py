"""Two ways to a board's bus through LiteX: its serial line directly, or a litex_server that has it.

Both read and write 32-bit words and raise ``Silence`` when nothing comes back. Neither notices a byte that
was garbled: that is what ``transfer`` is for.
"""

import time

from hw.contract.errors import PointwiseError

try:
    import serial
    from litex.tools.litex_client import RemoteClient
    from litex.tools.remote.comm_uart import CMD_READ_BURST_INCR, CMD_WRITE_BURST_INCR, CommUART
except ModuleNotFoundError as error:
    raise PointwiseError(
        f"the Python package {error.name} is not installed, which talks to boards; run make fpga"
    ) from error

MOST_WORDS = 255
"""Words of one command of the bridge, and of one packet of litex_server."""
BRIDGE_RESET_SECONDS = 0.1
"""After so long a pause within a command the bridge forgets it."""


class Silence(Exception):
    """No answer, or not all of it, came in time."""


class UartLink(CommUART):
    """LiteX's UART bridge, with a time limit and commands of up to MOST_WORDS words.

    Args:
        port: of the serial line, such as /dev/ttyUSB0, or anything that pyserial opens.
        baud: its speed.
        slowdown: how much slower than real a board is: 1, or more for a simulated one.

    Raises:
        PointwiseError: the port cannot be opened.
    """

    def __init__(self, port: str, baud: int, *, slowdown: float = 1.0) -> None:
        self.name, self.slowdown = port, slowdown
        try:
            super().__init__(port, baud)
        except (OSError, ValueError) as error:
            raise PointwiseError(
                f"the serial port {port} cannot be opened at {baud} baud ({error}); check its name, that you "
                "may use it, and that no other program has it"
            ) from error
        # Generous: a word takes 40 bits, and a USB adapter holds bytes back for 16 ms.
        self.patience = 0.25 + slowdown * 0.005 + 60 * 8 * MOST_WORDS / baud * slowdown
        self.port.timeout = self.patience

    def _read(self, length: int) -> bytes:
        try:
            got = self.port.read(length)
        except serial.SerialException as error:
            raise PointwiseError(f"the serial port {self.name} went away; plug the board in again") from error
        if len(got) < length:
            raise Silence(f"{len(got)} of {length} bytes came")
        return got

    def read(self, address: int, length: int = 1) -> list[int]:
        """``length`` words, up to MOST_WORDS; raises Silence."""
        self._flush()
        self._write(bytes([CMD_READ_BURST_INCR, length]) + (address // 4).to_bytes(4, "big"))
        data = self._read(4 * length)
        return [int.from_bytes(data[at : at + 4], "big") for at in range(0, len(data), 4)]

    def write(self, address: int, words: list[int]) -> None:
        """Up to MOST_WORDS words; nothing is answered."""
        head = bytes([CMD_WRITE_BURST_INCR, len(words)]) + (address // 4).to_bytes(4, "big")
        self._write(head + b"".join(word.to_bytes(4, "big") for word in words))

    def recover(self) -> None:
        """After a lost byte: wait until the bridge has forgotten the command, and drop what it still said."""
        self.port.flush()
        time.sleep(BRIDGE_RESET_SECONDS * 1.2 * self.slowdown)
        self.port.reset_input_buffer()


class ServerLink(RemoteClient):
    """A litex_server somewhere on the network.

    Args:
        host, port: where it listens. slowdown: as above.

    Raises:
        PointwiseError: nobody listens there.
    """

    def __init__(self, host: str, port: int, *, slowdown: float = 1.0) -> None:
        super().__init__(host, port, csr_data_width=32)
        self.csr_bus_address_width = 32
        self.name, self.slowdown = f"{host}:{port}", slowdown
        try:
            self.open()
        except OSError as error:
            raise PointwiseError(
                f"no litex_server answers at {self.name} ({error.strerror or error}); start one with "
                "litex_server --uart --uart-port PORT --uart-baudrate BAUD"
            ) from error
        self.socket.settimeout(2.0 + 0.1 * slowdown)

    def receive_packet(self, connection: object, addr_size: int) -> bytes:
        """A packet; LiteX's own gives zeros for words that never came."""
        packet = super().receive_packet(connection, addr_size)
        if packet == 0:
            raise Silence("litex_server gave no answer")
        return packet

    def read(self, address: int, length: int = 1) -> list[int]:
        """``length`` words, up to MOST_WORDS; raises Silence."""
        return super().read(address, length)

    def write(self, address: int, words: list[int]) -> None:
        """Up to MOST_WORDS words; nothing is answered."""
        super().write(address, words)

    def recover(self) -> None:
        """Connect anew: an answer that comes late must not be taken for another one's."""
        self.close()
        time.sleep(BRIDGE_RESET_SECONDS * 1.2 * self.slowdown)
        try:
            self.open()
        except OSError as error:
            raise PointwiseError(f"the litex_server at {self.name} went away; start it again") from error
        self.socket.settimeout(2.0 + 0.1 * self.slowdown)
