"""timm: safetensors with the DeiT authors' names, beside a ``config.json`` where they come as a folder."""

from functools import partial

from pointwise.hw.contract.errors import PointwiseError
from pointwise.model.checkpoints.files import Source
from pointwise.model.images.described import from_timm
from pointwise.model.images.preprocessing import Preprocessing, timm
from pointwise.model.networks import DeiTConfig

from .folding import folded
from .found import Found

NAME = "timm"
_KEY = "patch_embed.proj.weight"


def matches(source: Source) -> bool:
    """Whether safetensors have timm's names."""
    return not source.is_pickle and _KEY in source.tensors


def read(source: Source) -> Found:
    """Return the tensors as they are; classes and preprocessing as ``config.json`` says.

    Raises:
        PointwiseError: the network takes the mean of all tokens instead of the class token.
    """
    config = source.config or {}
    arguments = config.get("model_args")
    arguments = arguments if isinstance(arguments, dict) else {}
    pool = arguments.get("global_pool", config.get("global_pool", "token"))
    if pool != "token":
        raise PointwiseError(
            f"The checkpoint {source.path} classifies by {pool!r} of the tokens, but the class token is "
            "known; choose another network."
        )
    return Found(
        folded(source.tensors),
        heads=arguments.get("num_heads"),
        stated={"classes": config.get("num_classes")},
        preprocessing=partial(_preprocessing, source),
        guessed=None if config.get("pretrained_cfg") else "timm's usual one, as no config.json says",
    )


def _preprocessing(source: Source, config: DeiTConfig) -> Preprocessing:
    stated = (source.config or {}).get("pretrained_cfg")
    if stated is None:
        return timm(config.image_size, config.in_channels)
    return from_timm(stated, config.image_size, f"The description beside {source.path}")
