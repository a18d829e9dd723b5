"""Methods by name: one of ours, or one of the user's as ``package.module:name``."""

import importlib
from collections.abc import Mapping
from typing import TypeVar

from hw.contract.errors import PointwiseError

Method = TypeVar("Method")


def find(name: str, known: Mapping[str, Method], what: str) -> Method:
    """Return the method of that name.

    Args:
        name: a key of ``known``, or ``package.module:name`` of something that is called in the same way.
        known: our methods. what: what they are, for the message.

    Raises:
        PointwiseError: there is none.
    """
    if name in known:
        return known[name]
    module, colon, attribute = name.partition(":")
    if not colon:
        raise PointwiseError(
            f"There is no {what} {name!r}; choose one of {', '.join(sorted(known))}, or name a class or "
            "function of yours as package.module:name."
        )
    try:
        found = getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError, ValueError) as error:
        raise PointwiseError(
            f"The {what} {name!r} cannot be imported ({error}); check its module and its name."
        ) from error
    if not callable(found):
        raise PointwiseError(f"The {what} {name!r} is no class or function; name one.")
    return found
