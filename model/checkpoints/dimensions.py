"""The dimensions of a network, read from the shapes of its tensors."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from pointwise.hw.contract.errors import PointwiseError
from pointwise.model.networks import DeiTConfig

MOST_DIGITS = 9
"""Of the number of a block; what has more is told as a tensor that the network has not."""
PUBLISHED_HEADS = {192: 3, 384: 6, 768: 12, 1024: 16, 1280: 16}
"""Heads of the published ViT and DeiT by the channels of their residual stream. No shape tells them."""


def infer_config(state: Mapping[str, Any], heads: int | None, norm_eps: float, source: str) -> DeiTConfig:
    """Return the network that tensors, by the authors' names, belong to.

    Args:
        heads: attention heads, or None where nobody said; the published networks' are known.
        source: what to call the checkpoint in a message.

    Raises:
        PointwiseError: a tensor that tells a dimension is missing or of a shape that no DeiT has, or nobody
            knows the heads.
    """
    dim, colours, patch, width = _shape(state, "patch_embed.proj.weight", 4, source)
    _, tokens, _ = _shape(state, "pos_embed", 3, source)
    hidden, _ = _shape(state, "blocks.0.mlp.fc1.weight", 2, source)
    classes, _ = _shape(state, "head.weight", 2, source)
    distilled = "dist_token" in state
    if patch != width:
        raise PointwiseError(
            f"The patches of the checkpoint {source} are {patch}×{width} pixels, but only square ones are "
            "known; choose another network."
        )
    patches = tokens - (2 if distilled else 1)
    grid = math.isqrt(max(0, patches))
    if grid < 1 or grid * grid != patches:
        raise PointwiseError(
            f"The checkpoint {source} has {tokens} position embeddings, {patches} of them for patches, which "
            "do not make a square image; choose a network for square images."
        )
    if heads is None and dim not in PUBLISHED_HEADS:
        raise PointwiseError(
            f"The checkpoint {source} does not say which network it is for: no shape tells how many "
            f"attention heads share its {dim} channels; name the network, or give the heads (--heads)."
        )
    return DeiTConfig(
        image_size=grid * patch,
        patch=patch,
        in_channels=colours,
        dim=dim,
        depth=1 + max(int(key.split(".")[1]) for key in state if _is_block(key)),
        heads=PUBLISHED_HEADS[dim] if heads is None else heads,
        mlp_ratio=hidden / dim if hidden % dim else hidden // dim,
        classes=classes,
        distilled=distilled,
        norm_eps=norm_eps,
    )


def with_head(state: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``state``, with a classifier of zeros and one class where it has none at all."""
    dim = state.get("norm.weight")
    heads = ("head", "head_dist") if "dist_token" in state else ("head",)
    if any(key.startswith(("head.", "head_dist.")) for key in state) or not isinstance(dim, Tensor):
        return dict(state)
    zeros = {f"{head}.weight": torch.zeros(1, dim.numel()) for head in heads}
    return {**state, **zeros, **{f"{head}.bias": torch.zeros(1) for head in heads}}


def _is_block(key: str) -> bool:
    parts = key.split(".")
    return len(parts) > 2 and parts[0] == "blocks" and parts[1].isdecimal() and len(parts[1]) <= MOST_DIGITS


def _shape(state: Mapping[str, Any], name: str, axes: int, source: str) -> tuple[int, ...]:
    tensor = state.get(name)
    if not isinstance(tensor, Tensor):
        raise PointwiseError(
            f"The checkpoint {source} lacks {name}, which every ViT and DeiT has; choose a checkpoint of one "
            "with its classifier, in a layout that is known."
        )
    if tensor.ndim != axes:
        raise PointwiseError(
            f"In the checkpoint {source}, {name} has the shape {tuple(tensor.shape)}, but {axes} axes were "
            "expected; choose another network."
        )
    return tuple(tensor.shape)
