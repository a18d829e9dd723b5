"""``Constant``: numbers that do not depend on the input, such as position embeddings."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from ..op import Op
from ..value import FLOAT, Value

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, eq=False)
class Constant(Op):
    """A constant of the residual stream's type.

    Attributes:
        values: (tokens, channels), real, or int16.
    """

    values: np.ndarray = field(default_factory=lambda: np.zeros((1, 1), np.int16))

    ARRAYS: ClassVar[dict[str, type[np.number]]] = {"values": np.int16}
    READS: ClassVar[int | None] = 0

    def infer(self, *inputs: Value) -> Value:
        if np.ndim(self.values) != 2 or not np.size(self.values):
            raise self.refused(
                f"has values of the shape {np.shape(self.values)}, but rows of channels were expected"
            )
        tokens, channels = np.shape(self.values)
        if np.asarray(self.values).dtype.kind == "f":
            return Value((tokens, channels), FLOAT)
        self.needs_range("values", -32768, 32767)
        return Value((tokens, channels), "int16")

    def integer(self, *inputs: np.ndarray) -> np.ndarray:
        return np.asarray(self.values, np.int64)

    def reference(self, *inputs: "Tensor") -> "Tensor":
        import torch

        return torch.from_numpy(np.ascontiguousarray(self.values))
