"""``Input``: what a network is given."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from ..op import Op
from ..value import FLOAT, Value

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, eq=False)
class Input(Op):
    """The network's input: rows of channels.

    Attributes:
        shape: (tokens, channels).
        zero_rows: so many rows in front are always zero: room for class tokens. Nothing useful is computed
            from them, and they are not counted as multiply-accumulates.
        dtype: of its integers; ``FLOAT`` in a network that is not quantised.
    """

    shape: tuple[int, int] = (1, 1)
    zero_rows: int = 0
    dtype: str = "int8"

    READS: ClassVar[int | None] = 0

    def infer(self, *inputs: Value) -> Value:
        if len(self.shape) != 2 or min(self.shape) < 1 or not 0 <= self.zero_rows < self.shape[0]:
            raise self.refused(
                f"has the shape {self.shape} with {self.zero_rows} rows of zeros; give at least one token, "
                "one channel and a row that is not zero"
            )
        if self.dtype != FLOAT:
            self.needs_dtype(self.dtype, "int8", "uint8")
        return Value(self.shape, self.dtype)

    def integer(self, *inputs: np.ndarray) -> np.ndarray:
        raise AssertionError(f"{self.name} is given, not computed")

    def reference(self, *inputs: "Tensor") -> "Tensor":
        raise AssertionError(f"{self.name} is given, not computed")
