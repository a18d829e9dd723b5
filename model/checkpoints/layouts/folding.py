"""What a plain ViT has no place for and its other weights can carry: LayerScale, no class token's position.

Each of these gives the same network, exactly or but for a rounding of float32.
"""

import re
from collections.abc import Mapping
from typing import Any, TypeGuard

import torch
from torch import Tensor

LAYER_SCALE = re.compile(r"(blocks\.\d+)\.(?:ls(?P<timm>[12])\.gamma|gamma_(?P<authors>[12]))")
"""LayerScale's factor behind attention (1) and feed-forward (2): as timm and DeiT III's authors call it."""
BEFORE = {"1": "attn.proj", "2": "mlp.fc2"}
"""The layer that it scales the result of."""


def folded(state: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``state`` with all of these folded in."""
    return with_class_position(with_qkv_bias(without_layer_scale(state)))


def with_qkv_bias(state: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``state``, with zeros for the biases of q, k and v where a network has none at all."""
    weights = [key for key in state if key.endswith(".attn.qkv.weight")]
    biases = {key.removesuffix("weight") + "bias": state[key] for key in weights}
    if any(key in state for key in biases):
        return dict(state)
    zeros = {key: torch.zeros(len(w)) for key, w in biases.items() if isinstance(w, Tensor) and w.numel()}
    return {**state, **zeros}


def without_layer_scale(state: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``state`` with LayerScale in the weights and biases of the layers that it scales.

    A factor that fits none of them stays, to be told by its name. (Touvron et al., *Going deeper with Image
    Transformers*, section 2.)
    """
    result = dict(state)
    for key, gamma in state.items():
        match = LAYER_SCALE.fullmatch(key)
        if not match:
            continue
        layer = f"{match[1]}.{BEFORE[match['timm'] or match['authors']]}"
        weight, bias = (state.get(f"{layer}.{part}") for part in ("weight", "bias"))
        if not (_is_real(gamma) and _is_real(weight) and _is_real(bias)):
            continue
        if gamma.ndim != 1 or weight.ndim != 2 or not len(gamma) == len(weight) == len(bias):
            continue
        result[f"{layer}.weight"] = weight.float() * gamma.float()[:, None]
        result[f"{layer}.bias"] = bias.float() * gamma.float()
        del result[key]
    return result


def _is_real(part: object) -> TypeGuard[Tensor]:
    return isinstance(part, Tensor) and part.is_floating_point()


def with_class_position(state: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``state`` with position embeddings of zeros for class tokens, where patches alone have one.

    How many there are tells: no two square numbers, of patches, differ by one or two.
    """
    position, token = state.get("pos_embed"), state.get("cls_token")
    if not isinstance(position, Tensor) or position.ndim != 3 or not isinstance(token, Tensor):
        return dict(state)
    if not position.numel() or int(position.shape[1] ** 0.5 + 0.5) ** 2 != position.shape[1]:
        return dict(state)
    prefix = 2 if "dist_token" in state else 1
    zeros = position.new_zeros(len(position), prefix, position.shape[2])
    return {**state, "pos_embed": torch.cat([zeros, position], dim=1)}
