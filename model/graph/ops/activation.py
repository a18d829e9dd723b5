"""``Activation``: any function of one number, as a table of 256 entries."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from pointwise.hw.contract.stream import TABLE_ENTRIES
from pointwise.model.integer.requantise import look_up

from ..functions import NAMES, function
from ..op import Numbers, Op
from ..value import FLOAT, LIMITS, Value

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, eq=False)
class Activation(Op):
    """y = function(x); in integers y = table[x & 255].

    Attributes:
        function: one of ``pointwise.model.graph.functions.NAMES``.
        table: (256,) integers of ``dtype``; entry i belongs to the int8 with the byte i.
        dtype: of the result: int8 or uint8.
    """

    table: Numbers = None
    dtype: str = "int8"
    function: str = "gelu"

    ARRAYS: ClassVar[dict[str, type[np.number]]] = {"table": np.int16}

    def infer(self, *inputs: Value) -> Value:
        (source,) = inputs
        self.needs(source, 0, "int8")
        if self.function not in NAMES:
            raise self.refused(f"is {self.function!r}; choose one of {', '.join(NAMES)}")
        if source.dtype == FLOAT:
            return source
        self.needs_dtype(self.dtype, "int8", "uint8")
        self.needs_shape("table", (TABLE_ENTRIES,))
        self.needs_range("table", *LIMITS[self.dtype])
        return Value(source.shape, self.dtype)

    def integer(self, *inputs: np.ndarray) -> np.ndarray:
        return look_up(inputs[0], self.table)

    def reference(self, *inputs: "Tensor") -> "Tensor":
        return function(self.function)(inputs[0])
