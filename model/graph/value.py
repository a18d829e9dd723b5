"""What is known of a value without computing it: its shape and the type of its elements."""

from dataclasses import dataclass

from pointwise.model.integer.rounding import INT8, INT16, UINT8

LIMITS: dict[str, tuple[int, int]] = {"int8": INT8, "uint8": UINT8, "int16": INT16}
"""Least and largest integer of each integer type."""
FLOAT = "float"
"""The type of a value that is not quantised."""


@dataclass(frozen=True)
class Value:
    """The result of an operator for one image.

    Attributes:
        shape: (tokens, channels).
        dtype: a key of ``LIMITS``, or ``FLOAT``.
        per_row: the integers of a row are its shares of the row's sum (softmax leaves the division to the
            product that reads it).
    """

    shape: tuple[int, int]
    dtype: str
    per_row: bool = False

    @property
    def tokens(self) -> int:
        """T, rows of the value."""
        return self.shape[0]

    @property
    def channels(self) -> int:
        """Columns of the value."""
        return self.shape[1]

    def __str__(self) -> str:
        return f"{self.dtype} ({self.tokens}, {self.channels})"
