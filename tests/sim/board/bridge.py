"""LiteX's UART bridge and a core behind it, in Python, on a line that loses and garbles bytes on demand."""

from collections.abc import Callable

from hw.contract.image import MAGIC, shape_word
from hw.contract.registers import Register

WRITE, READ = 1, 2

Fault = Callable[[int, int], int | None]
"""From the number of a byte on the line and its value to the value that arrives, or None."""


def clean(index: int, byte: int) -> int:
    """A line without faults."""
    return byte


class Bridge:
    """What pyserial's port is to ``UartLink``, and behind it LiteX's Stream2Wishbone with words of a bus.

    A run takes the input block and leaves it backwards at OUTPUT_BASE.

    Args:
        description: of the board. fault: of the line, both ways. deaf: nothing arrives.
        loses_starts: so many starts are lost.
    """

    def __init__(self, description, *, fault=clean, deaf=False, loses_starts=0, error=0):
        self.description, self.fault, self.deaf = description, fault, deaf
        self.loses_starts, self.error = loses_starts, error
        self.words = {
            description.core_base + Register.MAGIC: MAGIC,
            description.core_base + Register.SHAPE: shape_word(description.core),
            description.core_base + Register.CYCLES: 1234,
        }
        self.block_bytes = 64
        self.command, self.answer, self.count, self.timeout = b"", b"", 0, None

    def _on_the_line(self, data):
        out = []
        for byte in data:
            arrived = self.fault(self.count, byte)
            self.count += 1
            if arrived is not None:
                out.append(arrived)
        return bytes(out)

    def write(self, data):
        if self.deaf:
            return len(data)
        for byte in self._on_the_line(bytes(data)):
            self.command += bytes([byte])
            self._step()
        return len(data)

    def read(self, size):
        got, self.answer = self.answer[:size], self.answer[size:]
        return got

    def inWaiting(self):
        return len(self.answer)

    def flush(self):
        pass

    def reset_input_buffer(self):
        """Called when the bridge has had time to forget the command."""
        self.command = self.answer = b""

    def _step(self):
        if len(self.command) < 6:
            return
        kind, length = self.command[0], self.command[1] or 256
        address = 4 * int.from_bytes(self.command[2:6], "big")
        if kind == READ:
            data = b"".join(self._load(address + 4 * i).to_bytes(4, "big") for i in range(length))
            self.answer += self._on_the_line(data)
        elif kind == WRITE:
            if len(self.command) < 6 + 4 * length:
                return
            for i in range(length):
                value = int.from_bytes(self.command[6 + 4 * i : 10 + 4 * i], "big")
                self._store(address + 4 * i, value)
        self.command = b""

    def _load(self, address):
        return self.words.get(address, 0)

    def _store(self, address, value):
        core = self.description.core_base
        if address == core + Register.INTERRUPT:
            self.words[address] = 0
        elif address == core + Register.CONTROL and value & 1:
            self._run()
        elif address not in (core + Register.MAGIC, core + Register.SHAPE):
            self.words[address] = value

    def _run(self):
        if self.loses_starts:
            self.loses_starts -= 1
            return
        core = self.description.core_base
        source, target = (self._load(core + r) for r in (Register.INPUT_BASE, Register.OUTPUT_BASE))
        data = b"".join(self._load(source + at).to_bytes(4, "little") for at in range(0, self.block_bytes, 4))
        for at in range(0, self.block_bytes, 4):
            self.words[target + at] = int.from_bytes(data[::-1][at : at + 4], "little")
        self.words[core + Register.STATUS] = 2 | (self.error << 8) | (4 if self.error else 0)
        self.words[core + Register.INTERRUPT] = 1
