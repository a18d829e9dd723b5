"""``Constant``: numbers that do not depend on the input, such as position embeddings."""

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from ..op import Op
from ..value import Value


@dataclass(frozen=True, eq=False)
class Constant(Op):
    """A constant of the residual stream's type.

    Attributes:
        values: (tokens, channels) int16.
    """

    values: np.ndarray = field(default_factory=lambda: np.zeros((1, 1), np.int16))

    ARRAYS: ClassVar[dict[str, type[np.number]]] = {"values": np.int16}
    READS: ClassVar[int | None] = 0

    def infer(self, *inputs: Value) -> Value:
        if np.ndim(self.values) != 2 or not np.size(self.values):
            raise self.refused(
                f"has values of the shape {np.shape(self.values)}, but rows of channels were expected"
            )
        self.needs_range("values", -32768, 32767)
        tokens, channels = np.shape(self.values)
        return Value((tokens, channels), "int16")

    def integer(self, *inputs: np.ndarray) -> np.ndarray:
        return np.asarray(self.values, np.int64)
