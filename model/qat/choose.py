"""Quantisers by name: those that come with the project, and those that users bring in a file of their own."""

import inspect

from pointwise.hw.contract.errors import PointwiseError
from pointwise.model.quantise.registry import find

from .base import Quantiser
from .lsq import Lsq
from .minmax import MinMax
from .pact import Pact
from .sawb import Sawb

QUANTISERS: dict[str, type[Quantiser]] = {"lsq": Lsq, "pact": Pact, "sawb": Sawb, "minmax": MinMax}
"""The quantisers that come with the project."""


def quantiser_class(name: str) -> type[Quantiser]:
    """Return the quantiser of that name.

    Args:
        name: one of ``QUANTISERS``, ``mine.py:MyQuantiser`` or ``package.module:MyQuantiser``.

    Raises:
        PointwiseError: there is none, its file cannot be run, or it is no ``Quantiser`` with a ``step``.
    """
    found = find(name, QUANTISERS, "quantiser")
    if not (isinstance(found, type) and issubclass(found, Quantiser)) or inspect.isabstract(found):
        raise PointwiseError(
            f"{name!r} is not a quantiser; derive a class from model.qat.Quantiser and define step()."
        )
    return found
