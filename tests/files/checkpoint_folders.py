"""Checkpoints as a folder with descriptions beside the weights: Hugging Face's and timm's."""

import json
from pathlib import Path

import numpy as np
import safetensors.numpy

from .checkpoints import checkpoint
from .kind import CONFIG


def make_huggingface(folder: Path) -> None:
    """A folder as save_pretrained writes it, in shards."""
    dim, hidden, layer = CONFIG.dim, CONFIG.hidden, "vit.encoder.layer.0."
    shapes = {
        "vit.embeddings.cls_token": (1, 1, dim),
        "vit.embeddings.position_embeddings": (1, 5, dim),
        **_affine("vit.embeddings.patch_embeddings.projection", dim, 1, 2, 2),
        **_affine(f"{layer}layernorm_before", dim),
        **_affine(f"{layer}attention.attention.query", dim, dim),
        **_affine(f"{layer}attention.attention.key", dim, dim),
        **_affine(f"{layer}attention.attention.value", dim, dim),
        **_affine(f"{layer}attention.output.dense", dim, dim),
        **_affine(f"{layer}layernorm_after", dim),
        **_affine(f"{layer}intermediate.dense", hidden, dim),
        **_affine(f"{layer}output.dense", dim, hidden),
        **_affine("vit.layernorm", dim),
        **_affine("classifier", 3, dim),
    }
    arrays = {name: np.ones(shape, np.float32) for name, shape in shapes.items()}
    names = list(arrays)
    shards = {"a.safetensors": names[:9], "b.safetensors": names[9:]}
    for file, part in shards.items():
        safetensors.numpy.save_file({name: arrays[name] for name in part}, folder / file)
    where = {name: file for file, part in shards.items() for name in part}
    files = {
        "model.safetensors.index.json": {"metadata": {"total_size": 4}, "weight_map": where},
        "config.json": {
            "model_type": "vit",
            "hidden_size": dim,
            "num_hidden_layers": 1,
            "num_attention_heads": 2,
            "intermediate_size": hidden,
            "image_size": 4,
            "patch_size": 2,
            "num_channels": 1,
            "hidden_act": "gelu",
            "layer_norm_eps": 1e-12,
            "id2label": {"0": "cat", "1": "dog", "2": "owl"},
        },
        "preprocessor_config.json": {
            "image_processor_type": "ViTImageProcessor",
            "do_resize": True,
            "do_center_crop": False,
            "size": {"height": 4, "width": 4},
            "resample": 2,
            "do_rescale": True,
            "rescale_factor": 1 / 255,
            "do_normalize": True,
            "image_mean": [0.5],
            "image_std": [0.5],
        },
    }
    for file, content in files.items():
        (folder / file).write_text(json.dumps(content))


def _affine(name: str, *shape: int) -> dict[str, tuple[int, ...]]:
    return {f"{name}.weight": shape, f"{name}.bias": shape[:1]}


def make_timm(folder: Path) -> None:
    safetensors.numpy.save_file(
        {name: tensor.numpy() for name, tensor in checkpoint().state.items()}, folder / "model.safetensors"
    )
    cfg = {"input_size": [1, 4, 4], "crop_pct": 0.9, "interpolation": "bicubic", "mean": [0.5], "std": [0.5]}
    config = {"num_classes": 3, "global_pool": "token", "model_args": {"num_heads": 2}, "pretrained_cfg": cfg}
    (folder / "config.json").write_text(json.dumps(config))
