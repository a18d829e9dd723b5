"""Transfers that are checked: written memory is read back, and what is read is read twice.

The bridge knows no checksum, and a garbled address puts data where it does not belong. After any fault
everything that was written is compared once more, until a pass finds nothing.

Data that went elsewhere is missing where it should be, unless the same was there before. So nothing is
written where it is already; only an image is, which has a checksum of its own.
"""

import time
from collections.abc import Callable, Iterable
from typing import TypeVar

from pointwise.hw.contract.errors import PointwiseError

from .link import Link, LinkTimeout

Result = TypeVar("Result")

ATTEMPTS = 5
"""Tries of one command, and passes over a transfer, before it is given up."""


class Checked:
    """Reads and writes of a board's bus that are right, or raise a sentence.

    Attributes:
        faults: how often something had to be repeated.

    Args:
        link: to the board.
    """

    def __init__(self, link: Link) -> None:
        self.link, self.faults = link, 0

    def _attempt(self, what: str, action: Callable[[], Result | None]) -> Result:
        """Repeat an action that raises LinkTimeout or returns None."""
        silent = True
        for attempt in range(ATTEMPTS):
            if attempt:
                self.faults += 1
                self.link.recover()
            try:
                result = action()
            except LinkTimeout:
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
        """Words of one command that two readings agree on; none that changes by itself."""

        def twice() -> list[int] | None:
            first = self.link.read(address, count)
            return first if self.link.read(address, count) == first else None

        return self._attempt(f"reading {4 * count} bytes at {address:#x}", twice)

    def read_volatile(self, address: int) -> int:
        """A word that may change by itself, so that it is read once."""
        return self._attempt(f"reading {address:#x}", lambda: self.link.read(address, 1))[0]

    def write_word(self, address: int, value: int, *, reads_as: int | None = None) -> None:
        """Write a register that reads as what was written, or as ``reads_as``, unless it does so already."""
        self._put(address, [value], [value if reads_as is None else reads_as])

    def command(self, address: int, value: int) -> None:
        """Write a register that cannot be read back."""
        self.link.write(address, [value])

    def _put(self, address: int, words: list[int], expected: list[int], *, look: bool = True) -> None:
        def once() -> bool | None:
            if look and self.link.read(address, len(words)) == expected:
                return True
            self.link.write(address, words)
            return self.link.read(address, len(words)) == expected or None

        self._attempt(f"writing {4 * len(words)} bytes at {address:#x}", once)

    def write(
        self,
        address: int,
        data: bytes,
        progress: Callable[[int, int], None] = lambda done, total: None,
        *,
        look: bool = True,
    ) -> None:
        """Write memory; ``data`` is filled with zeros to whole words.

        Args:
            address: a multiple of four. progress: bytes done, bytes in all.
            look: at what is there already, which takes half as long again.
        """
        step = 4 * self.link.most_words
        chunks = [(address + at, _words(data[at : at + step])) for at in range(0, len(data), step)]

        def send() -> None:
            for index, (place, words) in enumerate(chunks):
                self._put(place, words, words, look=look)
                progress(min((index + 1) * step, len(data)), len(data))

        def compare() -> None:
            for place, words in chunks:
                if self.read_words(place, len(words)) != words:
                    self.faults += 1
                    self._put(place, words, words)

        self.until_clean(f"sending {len(data)} bytes", [send, *[compare] * ATTEMPTS])

    def until_clean(self, what: str, passes: Iterable[Callable[[], None]]) -> None:
        """Go through passes until one is without a fault, of which any may have hit anything."""
        for go in passes:
            before = self.faults
            go()
            if self.faults == before:
                return
        raise PointwiseError(
            f"the line to the board at {self.link.name} garbles data: no pass of {what} was without a fault; "
            "check the cable, or build the system with a slower line"
        )

    def read(self, address: int, size: int) -> bytes:
        """``size`` bytes of memory from a multiple of four on."""
        data = b""
        while len(data) < size:
            words = min(self.link.most_words, -(-(size - len(data)) // 4))
            got = self.read_words(address + len(data), words)
            data += b"".join(word.to_bytes(4, "little") for word in got)
        return data[:size]

    def wait(self, microseconds: float) -> None:
        """Wait in the board's time."""
        time.sleep(microseconds * 1e-6 * self.link.slowdown)


def _words(data: bytes) -> list[int]:
    data = data.ljust(-(-len(data) // 4) * 4, b"\0")
    return [int.from_bytes(data[at : at + 4], "little") for at in range(0, len(data), 4)]
