"""``Slice``: some of a value's tokens, such as the class token."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..op import Op
from ..value import Value

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, eq=False)
class Slice(Op):
    """Tokens ``first`` … ``first + count − 1``."""

    first: int = 0
    count: int = 1

    def infer(self, *inputs: Value) -> Value:
        (source,) = inputs
        if self.first < 0 or self.count < 1 or self.first + self.count > source.tokens:
            raise self.refused(
                f"takes {self.count} tokens from token {self.first} on, but {self.inputs[0]} has "
                f"{source.tokens}"
            )
        return Value((self.count, source.channels), source.dtype, source.per_row)

    def integer(self, *inputs: np.ndarray) -> np.ndarray:
        return inputs[0][..., self.first : self.first + self.count, :]

    def reference(self, *inputs: "Tensor") -> "Tensor":
        return inputs[0][..., self.first : self.first + self.count, :]
