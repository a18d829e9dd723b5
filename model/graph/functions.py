"""Functions of one number that an ``Activation`` can be, by name: all of them become tables."""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from pointwise.hw.contract.errors import PointwiseError

if TYPE_CHECKING:
    from torch import Tensor

NAMES = ("gelu", "gelu_tanh", "hardswish", "quick_gelu", "relu", "relu6", "sigmoid", "silu", "tanh")


def function(name: str) -> "Callable[[Tensor], Tensor]":
    """The function of that name on tensors.

    Raises:
        PointwiseError: there is none.
    """
    import torch
    from torch.nn import functional

    known: dict[str, Callable[[Tensor], Tensor]] = {
        "gelu": functional.gelu,
        "gelu_tanh": partial(functional.gelu, approximate="tanh"),
        "hardswish": functional.hardswish,
        "quick_gelu": lambda x: x * torch.sigmoid(1.702 * x),
        "relu": functional.relu,
        "relu6": functional.relu6,
        "sigmoid": torch.sigmoid,
        "silu": functional.silu,
        "tanh": torch.tanh,
    }
    if name not in known:
        raise PointwiseError(f"there is no activation function {name!r}; choose one of {', '.join(NAMES)}")
    return known[name]
