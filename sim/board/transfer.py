"""Transfers that are checked: written memory is read back, and what is read is read twice.

The bridge knows no checksum, and a garbled address puts data where it does not belong. So after any fault
everything that was written is compared once more, until a pass finds nothing.
"""

import time
from collections.abc import Callable
from typing import Protocol

from hw.contract.errors import PointwiseError

from .link import MOST_WORDS, Silence

ATTEMPTS = 5
"""Tries of one command, and passes over a transfer, before it is given up."""
CHUNK = 4 * MOST_WORDS


class Link(Protocol):
    """What ``link`` has two of."""

    name: str
    slowdown: float

    def read(self, address: int, length: int = 1) -> list[int]: ...
    def write(self, address: int, words: list[int]) -> None: ...
    def recover(self) -> None: ...


class Checked:
    """Reads and writes of a board's bus that are right, or raise a sentence.

    Attributes:
        faults: how often something had to be repeated.

    Args:
        link: to the board.
    """

    def __init__(self, link: Link) -> None:
        self.link, self.faults = link, 0

    def _attempt(self, what: str, action: Callable[[], object]) -> object:
        """Repeat an action that raises Silence or returns None."""
        silent = True
        for attempt in range(ATTEMPTS):
            if attempt:
                self.faults += 1
                self.link.recover()
            try:
                result = action()
            except Silence:
                continue
            silent = False
            if result is not None:
                return result
        if silent:
            raise PointwiseError(
                f"the board at {self.link.name} does not answer ({what}); check that it is on, that the "
                "bitstream is loaded, and the port and its speed"
            )
        raise PointwiseError(
            f"the line to the board at {self.link.name} garbles data: {what} went wrong {ATTEMPTS} times; "
            "check the cable, or build the system with a slower line"
        )

    def read_words(self, address: int, count: int = 1) -> list[int]:
        """Up to MOST_WORDS words that two readings agree on; none that changes by itself."""

        def twice() -> list[int] | None:
            first = self.link.read(address, count)
            return first if self.link.read(address, count) == first else None

        return self._attempt(f"reading {4 * count} bytes at {address:#x}", twice)

    def glance(self, address: int) -> int:
        """A word that may change by itself, so that it is read once."""
        return self._attempt(f"reading {address:#x}", lambda: self.link.read(address, 1))[0]

    def write_word(self, address: int, value: int, *, reads_as: int | None = None) -> None:
        """Write a register that reads as what was written, or as ``reads_as``."""
        self._put(address, [value], [value if reads_as is None else reads_as])

    def command(self, address: int, value: int) -> None:
        """Write a register that cannot be read back."""
        self.link.write(address, [value])

    def _put(self, address: int, words: list[int], expected: list[int] | None = None) -> None:
        def once() -> bool | None:
            self.link.write(address, words)
            return self.link.read(address, len(words)) == (expected or words) or None

        self._attempt(f"writing {4 * len(words)} bytes at {address:#x}", once)

    def write(
        self, address: int, data: bytes, progress: Callable[[int, int], None] = lambda done, total: None
    ) -> None:
        """Write memory; ``data`` is filled with zeros to whole words.

        Args:
            address: a multiple of four. progress: bytes done, bytes in all.
        """
        chunks = [(address + at, _words(data[at : at + CHUNK])) for at in range(0, len(data), CHUNK)]
        before = self.faults
        for index, (place, words) in enumerate(chunks):
            self._put(place, words)
            progress(min((index + 1) * CHUNK, len(data)), len(data))
        for _ in range(ATTEMPTS):
            if self.faults == before:
                return
            before = self.faults
            for place, words in chunks:
                if self.read_words(place, len(words)) != words:
                    self.faults += 1
                    self._put(place, words)
        raise PointwiseError(
            f"the line to the board at {self.link.name} garbles data: no pass over {len(data)} bytes was "
            "without a fault; check the cable, or build the system with a slower line"
        )

    def read(self, address: int, size: int) -> bytes:
        """``size`` bytes of memory from a multiple of four on."""
        data = b""
        while len(data) < size:
            words = min(MOST_WORDS, -(-(size - len(data)) // 4))
            got = self.read_words(address + len(data), words)
            data += b"".join(word.to_bytes(4, "little") for word in got)
        return data[:size]

    def wait(self, microseconds: float) -> None:
        """Wait in the board's time."""
        time.sleep(microseconds * 1e-6 * self.link.slowdown)


def _words(data: bytes) -> list[int]:
    data = data.ljust(-(-len(data) // 4) * 4, b"\0")
    return [int.from_bytes(data[at : at + 4], "little") for at in range(0, len(data), 4)]
