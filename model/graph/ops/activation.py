"""``Activation``: any function of one number, as a table of 256 entries."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from model.integer.requantise import look_up

from ..op import Op
from ..value import LIMITS, Value

ENTRIES = 256


@dataclass(frozen=True, eq=False)
class Activation(Op):
    """y = table[x & 255].

    Attributes:
        table: (256,) integers of ``dtype``; entry i belongs to the int8 with the byte i.
        dtype: of the result: int8 or uint8.
    """

    table: np.ndarray | None = None
    dtype: str = "int8"

    ARRAYS: ClassVar[dict[str, type[np.number]]] = {"table": np.int16}

    def infer(self, *inputs: Value) -> Value:
        (source,) = inputs
        self.needs(source, 0, "int8")
        self.needs_dtype(self.dtype, "int8", "uint8")
        self.needs_shape("table", (ENTRIES,))
        self.needs_range("table", *LIMITS[self.dtype])
        return Value(source.shape, self.dtype)

    def integer(self, *inputs: np.ndarray) -> np.ndarray:
        return look_up(inputs[0], self.table)
