"""What a file for a memory holds: bytes in words, and their digits."""

import re
from dataclasses import dataclass, field

import numpy as np

from pointwise.hw.contract.errors import PointwiseError
from pointwise.hw.contract.image import align

MAX_WORD_BITS = 4096


@dataclass(frozen=True)
class Memory:
    """The content of one memory, to be written in any memory format.

    Attributes:
        name: of the file, without its ending. about: one line on what it is, for a comment.
        values: integers of any shape, row by row; in memory they lie one after the other, little-endian.
        word_bits: width of a word, a multiple of 8 up to 4096. The byte of the lowest address is in a word's
            lowest bits, and the last word is filled with zeros.
        alignment: what the address of the content must be a multiple of, in bytes.
        constants: numbers that a program needs beside the content, for formats that can name them.

    Raises:
        PointwiseError: the width is no such multiple.
    """

    name: str
    about: str
    values: np.ndarray
    word_bits: int
    alignment: int = 1
    constants: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.word_bits % 8 or not 8 <= self.word_bits <= MAX_WORD_BITS:
            raise PointwiseError(
                f"Words of {self.word_bits} bits were asked for, but a memory is exported in words of 8 to "
                f"{MAX_WORD_BITS} bits, in steps of 8; choose such a width."
            )

    @property
    def identifier(self) -> str:
        """The name as an identifier of C."""
        return re.sub(r"\W", "_", f"pointwise_{self.name}")

    @property
    def data(self) -> bytes:
        """The bytes, without filling."""
        return np.ascontiguousarray(self.values, self.values.dtype.newbyteorder("<")).tobytes()

    def words(self) -> np.ndarray:
        """(words, bytes of a word) uint8, the highest byte first, as digits are written."""
        width = self.word_bits // 8
        data = self.data
        padded = data.ljust(align(len(data), width), b"\0")
        return np.frombuffer(padded, np.uint8).reshape(-1, width)[:, ::-1]

    def hexadecimal(self) -> np.ndarray:
        """(words, digits) of ASCII codes, base 16."""
        words = self.words()
        digits = np.frombuffer(np.ascontiguousarray(words).tobytes().hex().encode(), np.uint8)
        return digits.reshape(len(words), -1)

    def binary(self) -> np.ndarray:
        """(words, digits) of ASCII codes, base 2."""
        return np.unpackbits(self.words(), axis=1) + np.uint8(ord("0"))


def rows(*columns: np.ndarray | str) -> bytes:
    """Text with a line for each word, made of columns side by side.

    Args:
        columns: (words, characters) arrays of ASCII codes, at least one; or a text that is the same in every
            line. The last one ends the line.
    """
    count = next(len(column) for column in columns if not isinstance(column, str))
    parts = [
        np.broadcast_to(np.frombuffer(column.encode(), np.uint8), (count, len(column)))
        if isinstance(column, str)
        else column
        for column in columns
    ]
    return np.hstack(parts).tobytes()
