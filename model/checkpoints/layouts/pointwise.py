"""Checkpoints that this project wrote: they describe themselves."""

from pointwise.model.checkpoints.files import Source
from pointwise.model.images.preprocessing import Preprocessing
from pointwise.model.networks import DeiTConfig

from .found import Found

NAME = "Pointwise"


def matches(source: Source) -> bool:
    """Whether the file holds a description of ours."""
    return "config" in source.description


def read(source: Source) -> Found:
    """Return the tensors and what the description says.

    Raises:
        PointwiseError: the description lacks something or holds something impossible.
    """
    description = source.description
    images = description.get("preprocessing")
    preprocessing = Preprocessing.from_dict(images) if images is not None else None
    names = description.get("class_names")
    return Found(
        source.tensors,
        config=DeiTConfig.from_dict(description["config"]),
        preprocessing=None if preprocessing is None else lambda config: preprocessing,
        class_names=None if names is None else tuple(map(str, names)),
        notes=description.get("notes", {}),
    )
