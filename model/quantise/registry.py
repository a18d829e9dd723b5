"""Methods by name: one of ours, or one of the user's as ``mine.py:name`` or ``package.module:name``."""

import importlib
import importlib.util
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import TypeVar, cast

from pointwise.hw.contract.errors import PointwiseError
from pointwise.model.parallel import here

Method = TypeVar("Method")


def find(name: str, known: Mapping[str, Method], what: str) -> Method:
    """Return the method of that name.

    Args:
        name: a key of ``known``; or ``mine.py:name``, a file and something in it that is called in the same
            way; or ``package.module:name``. A file is run, as every import is.
        known: our methods. what: what they are, for the message.

    Raises:
        PointwiseError: there is none.
    """
    if name in known:
        return known[name]
    source, colon, attribute = name.rpartition(":")
    if not colon or not source:
        raise PointwiseError(
            f"There is no {what} {name!r}; choose one of {', '.join(sorted(known))}, or name a class or "
            "function of yours as mine.py:name or package.module:name."
        )
    try:
        found = getattr(_module(source), attribute)
    except Exception as error:
        # What is imported is the user's, and may raise anything.
        raise PointwiseError(
            f"The {what} {name!r} cannot be imported ({type(error).__name__}: {error}); check its file or "
            "module and its name."
        ) from error
    if not callable(found):
        raise PointwiseError(f"The {what} {name!r} is no class or function; name one.")
    return cast(Method, found)


def _module(source: str) -> ModuleType:
    """Import a file or a module."""
    if not source.endswith(".py"):
        return importlib.import_module(source)
    path = here().located(Path(source))
    if not path.is_file():
        raise FileNotFoundError(f"there is no file {source}")
    specification = importlib.util.spec_from_file_location(path.stem, path)
    assert specification is not None and specification.loader is not None  # of a .py file it is known
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module
