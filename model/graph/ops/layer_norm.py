"""``LayerNorm``: each token of the residual stream brought to mean 0 and deviation 1."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from pointwise.hw.contract.legal import CHANNEL_SHIFTS, MEAN_SHIFTS, NORM_SHIFTS
from pointwise.model.integer.layernorm import NormConstants, normalise, statistics, token_sums

from ..op import Numbers, Op
from ..value import FLOAT, Value

if TYPE_CHECKING:
    from torch import Tensor

RANGES = {
    "mean_mult": (0, 65535),
    "mean_shift": MEAN_SHIFTS,
    "norm_mult": (0, 65535),
    "norm_shift": NORM_SHIFTS,
    "epsilon": (0, (1 << 32) - 1),
}
"""Least and largest of each constant."""


@dataclass(frozen=True, eq=False)
class LayerNorm(Op):
    """y = γ · (x − μ) / √(σ² + ε) + β; in integers without γ and β, which are in the weights that read it.

    Attributes:
        epsilon: ε. weight, bias: γ and β, (H,) real, or None for 1 and 0.
        constants: of the statistics, see ``pointwise.model.integer.layernorm``.
        channel_shift: (H,) 0..15, the power of two by which a channel with outliers is scaled down; None: 0.
    """

    constants: NormConstants | Any = None
    channel_shift: np.ndarray | None = None
    epsilon: float = 0.0
    weight: Numbers = None
    bias: Numbers = None

    ARRAYS: ClassVar[dict[str, type[np.number]]] = {"channel_shift": np.uint8}

    def infer(self, *inputs: Value) -> Value:
        (source,) = inputs
        self.needs(source, 0, "int16")
        if source.dtype == FLOAT:
            for name in ("weight", "bias"):
                if getattr(self, name) is not None:
                    self.needs_shape(name, (source.channels,))
            return source
        if self.constants is None:
            raise self.refused("has no constants")
        for name, (low, high) in RANGES.items():
            value = getattr(self.constants, name)
            if not low <= value <= high:
                raise self.refused(f"has {name} = {value}, but {low} to {high} is possible")
        if self.channel_shift is not None:
            self.needs_shape("channel_shift", (source.channels,))
            self.needs_range("channel_shift", *CHANNEL_SHIFTS)
        return Value(source.shape, "int8")

    def integer(self, *inputs: np.ndarray) -> np.ndarray:
        (source,) = inputs
        shift = np.int64(0) if self.channel_shift is None else np.asarray(self.channel_shift, np.int64)
        return normalise(source, *statistics(*token_sums(source), self.constants), shift)

    def reference(self, *inputs: "Tensor") -> "Tensor":
        import torch

        (source,) = inputs
        weight, bias = (
            None if part is None else torch.as_tensor(part, dtype=source.dtype)
            for part in (self.weight, self.bias)
        )
        return torch.nn.functional.layer_norm(source, source.shape[-1:], weight, bias, self.epsilon)
