"""LiteX's UART bridge and a core behind it, in Python, on a line that loses and garbles bytes on demand."""

import zlib
from collections.abc import Callable

from pointwise.hw.contract.image import HEADER_BYTES, MAGIC, TRAILER_BYTES, VERSION, Header, seal, shape_word
from pointwise.hw.contract.registers import Error, Register
from pointwise.sim.board.link import BRIDGE_RESET_SECONDS

WRITE, READ = 1, 2

Fault = Callable[[int, int], int | None]
"""From the number of a byte on the line and its value to the value that arrives, or None."""


def clean(index: int, byte: int) -> int:
    """A line without faults."""
    return byte


def at(positions, change):
    """A fault of the line at some bytes."""
    return lambda index, byte: change(byte) if index in positions else byte


def an_image(config, body: bytes) -> bytes:
    """An image that the core behind the bridge takes."""
    length = HEADER_BYTES + len(body) + TRAILER_BYTES
    return seal(Header(shape_word(config), length, 64, 1, 2, 2, 2, 64, 64).encode() + body)


class Bridge:
    """What pyserial's port is to ``UartLink``, and behind it LiteX's Stream2Wishbone with words of a bus.

    A run takes the input block and leaves it backwards at OUTPUT_BASE.

    Attributes:
        stray: the next write to an address goes to another one instead, as a garbled address does.
        issued: command, address and bank of each command to the SDRAM chip, and the control register then.
        longest: bytes of the longest command, in either direction.

    Args:
        description: of the board. fault: of the line, both ways. deaf: nothing arrives.
        loses_starts: so many starts are lost. error: what runs end with.
        busy_looks: so often STATUS and INTERRUPT are read before a run has ended.
    """

    def __init__(self, description, *, fault=clean, deaf=False, loses_starts=0, error=0, busy_looks=0):
        self.description, self.fault, self.deaf = description, fault, deaf
        self.loses_starts, self.error, self.busy_looks = loses_starts, error, busy_looks
        core, control = description.core_base, description.sdram_init[0]["address"]
        self.fixed = {
            core + Register.MAGIC: MAGIC,
            core + Register.VERSION: VERSION,
            core + Register.SHAPE: shape_word(description.core),
            core + Register.MAX_TOKENS: description.core.max_tokens,
            core + Register.ACT_WORDS: description.core.act_words,
            core + Register.RES_WORDS: description.core.res_words,
            control + 8: 0,  # the register that issues a command to the SDRAM chip
        }
        self.words = {core + Register.CYCLES: 1234}
        self.command_issue = control + 8
        self.issued, self.stray, self.longest = [], {}, 0
        self.looks_left, self.checked, self.checks, self.result = 0, False, 0, None
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
        self.answer = b""

    def sleep(self, seconds):
        """In place of ``time.sleep``."""
        if seconds >= BRIDGE_RESET_SECONDS:
            self.command = b""

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
            address = self.stray.pop(address, address)
            for i in range(length):
                value = int.from_bytes(self.command[6 + 4 * i : 10 + 4 * i], "big")
                self._store(address + 4 * i, value)
        self.longest = max(self.longest, 6 + 4 * length)
        self.command = b""

    def _load(self, address):
        core = self.description.core_base
        if self.looks_left and address in (core + Register.STATUS, core + Register.INTERRUPT):
            self.looks_left -= 1
            if not self.looks_left:
                self._end()
        return self.fixed.get(address, self.words.get(address, 0))

    def _store(self, address, value):
        core = self.description.core_base
        if address == core + Register.INTERRUPT:
            self.words[address] = 0
        elif address == core + Register.CONTROL:
            if value & 1 and not self.looks_left:
                self._start()
        elif address == self.command_issue:
            control, command, _, place, bank = (self._load(address - 8 + 4 * i) for i in range(5))
            self.issued.append((command, place, bank, control))
        elif address not in self.fixed:
            self.words[address] = value
        if address in (core + Register.IMAGE_BASE, core + Register.IMAGE_BYTES):
            self.checked = False

    def memory(self, address, size):
        """Bytes of the bus."""
        return b"".join(self.words.get(address + i, 0).to_bytes(4, "little") for i in range(0, size, 4))

    def _start(self):
        if self.loses_starts:
            self.loses_starts -= 1
            return
        self.words[self.description.core_base + Register.STATUS] = 1
        self.result = self._compute()
        self.looks_left = self.busy_looks
        if not self.looks_left:
            self._end()

    def _compute(self):
        """Check the image if that is due, and read the input: an error and what to write, by address."""
        core, error = self.description.core_base, self.error
        base, size, source, target = (
            self._load(core + r)
            for r in (Register.IMAGE_BASE, Register.IMAGE_BYTES, Register.INPUT_BASE, Register.OUTPUT_BASE)
        )
        if not self.checked:
            self.checks += 1
            image = self.memory(base, size)
            stored = int.from_bytes(image[-TRAILER_BYTES : 4 - TRAILER_BYTES], "little")
            self.checked = zlib.crc32(image[:-TRAILER_BYTES]) == stored
            error = error or (0 if self.checked else Error.CHECKSUM)
        data = self.memory(source, self.block_bytes)[::-1]
        return error, {
            target + at: int.from_bytes(data[at : at + 4], "little") for at in range(0, len(data), 4)
        }

    def _end(self):
        core, (error, output) = self.description.core_base, self.result
        self.words.update(output)
        self.words[core + Register.STATUS] = 2 | (error << 8) | (4 if error else 0)
        self.words[core + Register.INTERRUPT] = 1
