"""Hugging Face transformers' ViT and DeiT: queries, keys and values apart, a ``config.json`` beside them.

The names are those of ``ViTForImageClassification`` and ``DeiTForImageClassificationWithTeacher``, in both
spellings: that of the files on the hub, and that of the modules since transformers 5.
"""

from __future__ import annotations

import re
from functools import partial
from typing import Any

import torch
from torch import Tensor

from pointwise.hw.contract.errors import PointwiseError, shown
from pointwise.model.checkpoints.files import Source
from pointwise.model.images.described import from_huggingface, huggingface_default
from pointwise.model.images.preprocessing import Preprocessing
from pointwise.model.networks import DeiTConfig

from .folding import with_qkv_bias
from .found import Found

NAME = "Hugging Face"
NORM_EPS = 1e-12
"""LayerNorm's epsilon where no ``config.json`` says otherwise."""

_PREFIXES = ("vit.", "deit.")
_KEY = "embeddings.patch_embeddings.projection.weight"
_POOLER = "pooler."
"""Between the class token and the classifier of other tasks; the classifiers here do without."""

_NAMES = {
    "embeddings.cls_token": "cls_token",
    "embeddings.distillation_token": "dist_token",
    "embeddings.position_embeddings": "pos_embed",
    "embeddings.patch_embeddings.projection": "patch_embed.proj",
    "layernorm": "norm",
    "classifier": "head",
    "cls_classifier": "head",
    "distillation_classifier": "head_dist",
}
_BLOCK = re.compile(r"^(?:encoder\.layer|layers)\.(\d+)\.(.+)$")
_IN_BLOCK = {
    "layernorm_before": "norm1",
    "layernorm_after": "norm2",
    "attention.attention.query": "attn.q",
    "attention.attention.key": "attn.k",
    "attention.attention.value": "attn.v",
    "attention.output.dense": "attn.proj",
    "intermediate.dense": "mlp.fc1",
    "output.dense": "mlp.fc2",
    "attention.q_proj": "attn.q",
    "attention.k_proj": "attn.k",
    "attention.v_proj": "attn.v",
    "attention.o_proj": "attn.proj",
    "mlp.fc1": "mlp.fc1",
    "mlp.fc2": "mlp.fc2",
}
_STATED = {
    "dim": "hidden_size",
    "depth": "num_hidden_layers",
    "heads": "num_attention_heads",
    "hidden": "intermediate_size",
    "image_size": "image_size",
    "patch": "patch_size",
    "in_channels": "num_channels",
}


def matches(source: Source) -> bool:
    """Whether the patch embedding has Hugging Face's name."""
    return any(f"{prefix}{_KEY}" in source.tensors for prefix in ("", *_PREFIXES))


def read(source: Source) -> Found:
    """Return the tensors by the authors' names, queries, keys and values joined.

    Raises:
        PointwiseError: the network is not a ViT or DeiT, or has another activation than GELU.
    """
    config = source.config or {}
    kind = config.get("model_type", "deit" if "deit" in "".join(source.tensors) else "vit")
    for name, value, known in (
        ("model_type", kind, ("vit", "deit")),
        ("hidden_act", config.get("hidden_act", "gelu"), ("gelu",)),
    ):
        if value not in known:
            raise PointwiseError(
                f"The checkpoint {source.path} has the {name} {shown(value)}, but {' and '.join(known)} can "
                "be read; choose another network."
            )
    state = _with_two_heads(with_qkv_bias(_joined({_renamed(k): v for k, v in source.tensors.items()})))
    state = {key: value for key, value in state.items() if not key.startswith(_POOLER)}
    stated = {ours: _side(config.get(theirs)) for ours, theirs in _STATED.items()}
    labels = config.get("id2label")
    return Found(
        state,
        heads=stated["heads"],
        norm_eps=config.get("layer_norm_eps", NORM_EPS),
        stated=stated,
        preprocessing=partial(_preprocessing, source, kind),
        guessed=_guessed(source, kind),
        class_names=_class_names(labels) if isinstance(labels, dict) else None,
    )


def _renamed(key: str) -> str:
    """The authors' name of a tensor; what is not known keeps its own."""
    bare = key
    for prefix in _PREFIXES:
        bare = bare.removeprefix(prefix)
    if bare.startswith(_POOLER):
        return bare
    if bare in _NAMES:
        return _NAMES[bare]
    layer, _, kind = bare.rpartition(".")
    if layer in _NAMES:
        return f"{_NAMES[layer]}.{kind}"
    block = _BLOCK.match(layer)
    if block and block[2] in _IN_BLOCK:
        return f"blocks.{block[1]}.{_IN_BLOCK[block[2]]}.{kind}"
    return key


def _joined(state: dict[str, Any]) -> dict[str, Any]:
    """Put q, k and v of each block below each other, as ``attn.qkv``; with one missing, they stay apart."""
    joined = dict(state)
    for key in [key for key in state if re.fullmatch(r"blocks\.\d+\.attn\.q\.(weight|bias)", key)]:
        block, _, kind = key.rpartition(".q.")
        found = [state.get(f"{block}.{part}.{kind}") for part in "qkv"]
        parts = [part for part in found if isinstance(part, Tensor) and part.ndim]
        if len(parts) == len(found) and len({part.shape[1:] for part in parts}) == 1:
            for part in "qkv":
                del joined[f"{block}.{part}.{kind}"]
            joined[f"{block}.qkv.{kind}"] = torch.cat(parts)
    return joined


def _with_two_heads(state: dict[str, Any]) -> dict[str, Any]:
    """Give a DeiT that has the distillation token but one classifier (`DeiTForImageClassification`) two.

    The logits of two are averaged: twice the one and nothing give what the one gave, to the last bit.
    """
    found = {name: state.get(f"head.{name}") for name in ("weight", "bias")}
    head = {name: tensor for name, tensor in found.items() if isinstance(tensor, Tensor)}
    one = "dist_token" in state and "head_dist.weight" not in state and "head_dist.bias" not in state
    if not one or len(head) < len(found):
        return state
    doubled = {f"head.{name}": 2 * tensor.float() for name, tensor in head.items()}
    return state | doubled | {f"head_dist.{name}": torch.zeros_like(t).float() for name, t in head.items()}


def _side(value: Any) -> Any:
    """One side of what may be given as height and width."""
    alike = isinstance(value, list) and value and all(side == value[0] for side in value)
    return value[0] if alike else value


def _class_names(labels: dict[str, Any]) -> tuple[str, ...] | None:
    """The names by index; None where they are only numbered, which says nothing."""
    try:
        names = tuple(str(labels[str(index)]) for index in range(len(labels)))
    except KeyError:
        return None
    return None if all(name == f"LABEL_{index}" for index, name in enumerate(names)) else names


def _guessed(source: Source, kind: str) -> str | None:
    if source.preprocessor is not None:
        return None
    return f"the usual one of {kind}, as no preprocessor_config.json says"


def _preprocessing(source: Source, kind: str, config: DeiTConfig) -> Preprocessing:
    if source.preprocessor is None:
        return huggingface_default(kind, config.image_size, config.in_channels)
    return from_huggingface(
        source.preprocessor, config.image_size, f"The preprocessor_config.json of {source.path}"
    )
