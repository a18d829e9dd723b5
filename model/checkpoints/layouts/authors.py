"""The DeiT authors' release: a `.pth` of ``{"model": …}``, of ``state_dict``, or of the tensors themselves.

https://github.com/facebookresearch/deit; ViT of others in the same names are read as well.
"""

from model.checkpoints.files import Source
from model.images.preprocessing import authors

from .folding import folded
from .found import Found

NAME = "DeiT authors"
_PARALLEL = "module."
"""In front of every name where the network was saved from inside torch's DistributedDataParallel."""


def matches(source: Source) -> bool:
    """Always: what is wrong with it is then told in the authors' names."""
    return True


def read(source: Source) -> Found:
    """Return the tensors as they are, without what training in parallel puts in front of their names."""
    state = source.tensors
    if all(key.startswith(_PARALLEL) for key in state):
        state = {key.removeprefix(_PARALLEL): value for key, value in state.items()}
    return Found(folded(state), preprocessing=lambda config: authors(config.image_size, config.in_channels))
