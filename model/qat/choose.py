"""Quantisers by name: those that come with the project, and those that users bring in a file of their own."""

import importlib
import importlib.util
import inspect
from pathlib import Path
from types import ModuleType

from hw.contract.errors import PointwiseError

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
        name: one of ``QUANTISERS``; or ``mine.py:MyQuantiser``, a file and a class in it; or
            ``package.module:MyQuantiser``. A file is run, as every import is.

    Raises:
        PointwiseError: there is none, its file cannot be run, or the class is no ``Quantiser`` with ``step``.
    """
    if name in QUANTISERS:
        return QUANTISERS[name]
    source, colon, class_name = name.rpartition(":")
    if not colon or not source:
        raise PointwiseError(
            f"There is no quantiser {name!r}; choose one of {', '.join(sorted(QUANTISERS))}, or give a file "
            "and a class, as in mine.py:MyQuantiser."
        )
    module = _module(source)
    found = getattr(module, class_name, None)
    if found is None:
        raise PointwiseError(f"There is no {class_name} in {source}; check the name of the class.")
    if not (isinstance(found, type) and issubclass(found, Quantiser)) or inspect.isabstract(found):
        raise PointwiseError(
            f"{class_name} of {source} is not a quantiser; derive it from model.qat.Quantiser and define "
            "step()."
        )
    return found


def _module(source: str) -> ModuleType:
    """Import a file or a module."""
    try:
        if not source.endswith(".py"):
            return importlib.import_module(source)
        path = Path(source)
        if not path.is_file():
            raise PointwiseError(f"There is no file {source}; check the path.")
        specification = importlib.util.spec_from_file_location(path.stem, path)
        module = importlib.util.module_from_spec(specification)
        specification.loader.exec_module(module)
        return module
    except PointwiseError:
        raise
    except Exception as error:
        # It is the user's code, which may raise anything; the sentence says what and where.
        raise PointwiseError(
            f"The quantisers of {source} cannot be imported ({type(error).__name__}: {error}); correct it."
        ) from error
