"""``Concat``: values side by side, such as the heads of attention."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from ..op import Op
from ..value import Value

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, eq=False)
class Concat(Op):
    """Its inputs' channels, one after the other."""

    READS: ClassVar[int | None] = None

    def infer(self, *inputs: Value) -> Value:
        first = inputs[0]
        for index, value in enumerate(inputs):
            if value.tokens != first.tokens or value.dtype != first.dtype or value.per_row:
                raise self.refused(
                    f"puts {self.inputs[index]}, {value}, beside {self.inputs[0]}, {first}; tokens and types "
                    "must be the same"
                )
        return Value((first.tokens, sum(value.channels for value in inputs)), first.dtype)

    def integer(self, *inputs: np.ndarray) -> np.ndarray:
        return np.concatenate(inputs, axis=-1)

    def reference(self, *inputs: "Tensor") -> "Tensor":
        import torch

        return torch.cat(inputs, dim=-1)
