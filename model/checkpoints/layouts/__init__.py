"""The layouts of checkpoints that are read, one module each.

A layout has a ``NAME`` for people, ``matches``, which looks at what lies on disk, and ``read``, which gives
the tensors the names of the DeiT authors' release (`model.networks.expected_shapes`).
"""

from types import ModuleType

from pointwise.hw.contract.errors import PointwiseError, shown
from pointwise.model.checkpoints.files import Source

from . import authors, google, huggingface, pointwise, timm
from .found import Found

LAYOUTS: tuple[ModuleType, ...] = (pointwise, huggingface, google, timm, authors)
"""In the order in which they are tried; the last one takes what the others do not know."""

__all__ = ["LAYOUTS", "Found", "find_layout"]


def find_layout(source: Source) -> ModuleType:
    """Return the layout of what was found.

    Raises:
        PointwiseError: there are no tensors at all, or what there is has no names.
    """
    if not source.tensors:
        raise PointwiseError(f"The checkpoint {source.path} holds no weights; fetch or save it again.")
    if nameless := [key for key in source.tensors if not isinstance(key, str)]:
        raise PointwiseError(
            f"The checkpoint {source.path} holds something under {shown(nameless[0])}, but tensors by name "
            "were expected; save the network's state_dict()."
        )
    return next(layout for layout in LAYOUTS if layout.matches(source))
