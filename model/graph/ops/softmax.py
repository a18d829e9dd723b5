"""``Softmax``: exponentials below each row's maximum; the product that reads them divides by their sum."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from pointwise.hw.contract.stream import TABLE_ENTRIES
from pointwise.model.integer.softmax import exponentials

from ..op import Numbers, Op
from ..value import FLOAT, Value

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, eq=False)
class Softmax(Op):
    """Each row's exponentials over their sum; in integers e[t, k] = table[max of row t − x[t, k]].

    Attributes:
        table: (256,) uint8.
    """

    table: Numbers = None

    ARRAYS: ClassVar[dict[str, type[np.number]]] = {"table": np.uint8}

    def infer(self, *inputs: Value) -> Value:
        (source,) = inputs
        self.needs(source, 0, "int8")
        if source.dtype == FLOAT:
            return source
        self.needs_shape("table", (TABLE_ENTRIES,))
        self.needs_range("table", 0, 255)
        return Value(source.shape, "uint8", per_row=True)

    def integer(self, *inputs: np.ndarray) -> np.ndarray:
        (source,) = inputs
        return exponentials(source, source.max(axis=-1), self.table)

    def reference(self, *inputs: "Tensor") -> "Tensor":
        return inputs[0].softmax(dim=-1)
