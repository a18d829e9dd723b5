"""Functions of one number that an ``Activation`` can be, by name: all of them become tables."""

from collections.abc import Callable
from functools import cache, partial
from typing import TYPE_CHECKING

from pointwise.hw.contract.errors import PointwiseError

if TYPE_CHECKING:
    from torch import Tensor

NAMES = (
    *("elu", "gelu", "gelu_tanh", "hardsigmoid", "hardswish", "leaky_relu", "mish", "quick_gelu", "relu"),
    *("relu6", "sigmoid", "silu", "softplus", "tanh"),
)


FAR = 50.0
"""Functions are looked at from −FAR to FAR; what falls further there has no least value."""
DIGITS = 5
"""Decimals of a least value, rounded up: integers clip what lies below."""


@cache
def least(name: str) -> float | None:
    """The least value of a function, 0 or below; None where it has none."""
    import torch

    values = function(name)(torch.linspace(-FAR, FAR, 2_000_001, dtype=torch.float64))
    found = float(values.min())
    # What is bounded has come to its bound halfway.
    bounded = float(values[len(values) // 4 :].min()) - found < 10**-DIGITS
    return min(0.0, round(found, DIGITS)) if bounded else None


def function(name: str) -> "Callable[[Tensor], Tensor]":
    """The function of that name on tensors.

    Raises:
        PointwiseError: there is none.
    """
    import torch
    from torch.nn import functional

    known: dict[str, Callable[[Tensor], Tensor]] = {
        "elu": functional.elu,
        "gelu": functional.gelu,
        "gelu_tanh": partial(functional.gelu, approximate="tanh"),
        "hardsigmoid": functional.hardsigmoid,
        "hardswish": functional.hardswish,
        "leaky_relu": functional.leaky_relu,
        "mish": functional.mish,
        "quick_gelu": lambda x: x * torch.sigmoid(1.702 * x),
        "relu": functional.relu,
        "relu6": functional.relu6,
        "sigmoid": torch.sigmoid,
        "silu": functional.silu,
        "softplus": functional.softplus,
        "tanh": torch.tanh,
    }
    if name not in known:
        raise PointwiseError(f"there is no activation function {name!r}; choose one of {', '.join(NAMES)}")
    return known[name]
