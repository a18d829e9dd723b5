"""Google's Vision Transformers: an archive of NumPy's (``.npz``) with the names of Flax, also of AugReg's.

Kernels are (inputs, outputs) there, and those of attention have an axis of heads, which tells how many there
are.
"""

import re
from typing import Any

import torch
from torch import Tensor

from pointwise.hw.contract.errors import PointwiseError
from pointwise.model.checkpoints.files import Source
from pointwise.model.images.preprocessing import Preprocessing, timm_vit
from pointwise.model.networks import DeiTConfig

from .found import Found

NAME = "Google"
_KEY = "embedding/kernel"
_BLOCK = re.compile(r"Transformer/encoderblock_(\d+)/(.+)")
_ATTENTION = "MultiHeadDotProductAttention_1"
_WHOLE = {
    "embedding/kernel": "patch_embed.proj.weight",
    "embedding/bias": "patch_embed.proj.bias",
    "cls": "cls_token",
    "Transformer/posembed_input/pos_embedding": "pos_embed",
    "Transformer/encoder_norm/scale": "norm.weight",
    "Transformer/encoder_norm/bias": "norm.bias",
    "head/kernel": "head.weight",
    "head/bias": "head.bias",
}
_PARTS = {
    "LayerNorm_0/scale": "norm1.weight",
    "LayerNorm_0/bias": "norm1.bias",
    "LayerNorm_2/scale": "norm2.weight",
    "LayerNorm_2/bias": "norm2.bias",
    "MlpBlock_3/Dense_0/kernel": "mlp.fc1.weight",
    "MlpBlock_3/Dense_0/bias": "mlp.fc1.bias",
    "MlpBlock_3/Dense_1/kernel": "mlp.fc2.weight",
    "MlpBlock_3/Dense_1/bias": "mlp.fc2.bias",
    f"{_ATTENTION}/out/kernel": "attn.proj.weight",
    f"{_ATTENTION}/out/bias": "attn.proj.bias",
}
_QKV = tuple(f"{_ATTENTION}/{part}" for part in ("query", "key", "value"))


def matches(source: Source) -> bool:
    """Whether tensors have Flax's names."""
    return _KEY in source.tensors


def read(source: Source) -> Found:
    """Return the tensors by the authors' names.

    Raises:
        PointwiseError: queries, keys and values of a block are not there together, or have no axis of heads.
    """
    blocks: dict[int, dict[str, Tensor]] = {}
    state: dict[str, Any] = {}
    for name, tensor in source.tensors.items():
        if found := _BLOCK.fullmatch(name):
            blocks.setdefault(int(found[1]), {})[found[2]] = tensor
        elif name in _WHOLE:
            state[_WHOLE[name]] = _turned(name, tensor)
        else:
            state[name] = tensor
    heads = None
    for index, parts in blocks.items():
        kernels, biases = (
            [parts.pop(f"{one}/{part}", torch.empty(0)) for one in _QKV] for part in ("kernel", "bias")
        )
        if any(one.dim() != 3 for one in kernels) or not all(one.numel() for one in biases):
            raise PointwiseError(
                f"Block {index} of the checkpoint {source.path} lacks queries, keys or values with an axis "
                "of heads; fetch it again."
            )
        heads = kernels[0].shape[1]
        state[f"blocks.{index}.attn.qkv.weight"] = torch.cat([one.flatten(1).T for one in kernels])
        state[f"blocks.{index}.attn.qkv.bias"] = torch.cat([one.flatten() for one in biases])
        for name, tensor in parts.items():
            known = _PARTS.get(name)
            state[f"blocks.{index}.{known}" if known else f"Transformer/encoderblock_{index}/{name}"] = (
                _turned(name, tensor)
            )
    return Found(
        {name: tensor.contiguous() for name, tensor in state.items()},
        heads=heads,
        preprocessing=_preprocessing,
        guessed="Google's usual one, as the file does not say",
    )


def _turned(name: str, tensor: Tensor) -> Tensor:
    """Kernels with their outputs first."""
    if not name.endswith("kernel"):
        return tensor
    if tensor.dim() == 4:
        return tensor.permute(3, 2, 0, 1)
    return tensor.flatten(0, -2).T if name.startswith(_ATTENTION) else tensor.T


def _preprocessing(config: DeiTConfig) -> Preprocessing:
    return timm_vit(config.image_size, config.in_channels)
