"""The DeiT authors' release: a `.pth` of ``{"model": …}``, of ``state_dict``, or of the tensors themselves.

https://github.com/facebookresearch/deit; ViT of others in the same names are read as well.
"""

from pointwise.model.checkpoints.files import Source
from pointwise.model.images.preprocessing import authors

from .folding import folded
from .found import Found

NAME = "DeiT authors"


def matches(source: Source) -> bool:
    """Always: what is wrong with it is then told in the authors' names."""
    return True


def read(source: Source) -> Found:
    """Return the tensors as they are."""
    return Found(
        folded(source.tensors),
        preprocessing=lambda config: authors(config.image_size, config.in_channels),
        guessed="the DeiT authors' usual one, as such files do not say",
    )
