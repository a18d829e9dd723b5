"""Clamps of a result, which the saturation of integers does for nothing: ReLU and ReLU6."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

CLAMPS: dict[str, tuple[float | None, float | None]] = {
    "": (None, None),
    "relu": (0.0, None),
    "relu6": (0.0, 6.0),
}
"""Least and largest real value by the name of the clamp; "" is none."""


def clamped(clamp: str, values: "Tensor") -> "Tensor":
    """Real values within the limits of a clamp."""
    low, high = CLAMPS[clamp]
    return values if low is None and high is None else values.clamp(low, high)
