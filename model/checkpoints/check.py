"""Whether tensors fit a network, told by name where they do not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from pointwise.hw.contract.errors import PointwiseError
from pointwise.model.networks import DeiTConfig, expected_shapes


def check_state(state: Mapping[str, Any], config: DeiTConfig, source: str) -> dict[str, Tensor]:
    """Return the tensors of ``state`` in float32 once they are known to fit ``config``.

    Args:
        state: tensors by name, of any floating-point type.
        source: what to call the checkpoint in a message, such as its path.

    Raises:
        PointwiseError: as `load_checkpoint`, naming the tensor.
    """
    expected = expected_shapes(config)
    if missing := [key for key in expected if key not in state]:
        raise PointwiseError(
            f"The checkpoint {source} lacks {missing[0]}{_and_more(missing)}, which the network needs; "
            "choose the network that the checkpoint was made for."
        )
    if unexpected := [key for key in state if key not in expected]:
        raise PointwiseError(
            f"The checkpoint {source} holds {unexpected[0]}{_and_more(unexpected)}, which the network does "
            "not have; choose the network that the checkpoint was made for."
        )
    checked = {}
    for key, shape in expected.items():
        tensor = state[key]
        if not isinstance(tensor, Tensor) or not tensor.is_floating_point():
            kind = tensor.dtype if isinstance(tensor, Tensor) else type(tensor).__name__
            raise PointwiseError(
                f"In the checkpoint {source}, {key} is {kind}, but weights must be floating-point tensors; "
                "save the float network."
            )
        if tensor.layout != torch.strided or tensor.device.type != "cpu" or tensor.is_quantized:
            raise PointwiseError(
                f"In the checkpoint {source}, {key} is no ordinary tensor ({tensor.layout}, "
                f"{tensor.device}); save the float network as it is."
            )
        if tuple(tensor.shape) != shape:
            raise PointwiseError(
                f"In the checkpoint {source}, {key} has the shape {tuple(tensor.shape)}, but the network "
                f"expects {shape}; choose the network that the checkpoint was made for."
            )
        # Looked at after the conversion, because a float64 beyond the range of float32 becomes infinite.
        weights = tensor.detach().to(torch.float32)
        if bad := int((~torch.isfinite(weights)).sum()):
            raise PointwiseError(
                f"In the checkpoint {source}, {bad} of {weights.numel()} weights of {key} are not finite; "
                "train or fetch it again."
            )
        checked[key] = weights
    return checked


def _and_more(keys: list[str]) -> str:
    return f" and {len(keys) - 1} more" if len(keys) > 1 else ""
