"""Which function translates which operator.

A translator is a function of the builder and of the operator's arguments, by ATen's order and names. What is
a constant comes as a tensor, what depends on the input as a ``Symbol`` (or as a ``Moment``, on the way to a
LayerNorm). It returns a symbol, or several. A new operator is a function with ``@translates`` in the file of
its family; a new family is a file that ``FAMILIES`` lists.
"""

from collections.abc import Callable
from importlib import import_module
from typing import Any, TypeVar

FAMILIES = ("views", "elementwise", "products", "norms")
"""Files of translators."""

Translator = Callable[..., Any]
T = TypeVar("T", bound=Translator)
_KNOWN: dict[str, Translator] = {}


def translates(*names: str) -> Callable[[T], T]:
    """Make a function the translator of operators, by their names without ``aten.`` and overload."""

    def known(function: T) -> T:
        _KNOWN.update(dict.fromkeys(names, function))
        return function

    return known


def translators() -> dict[str, Translator]:
    """All of them by the operator's name."""
    for family in FAMILIES:
        import_module(f".{family}", __package__)
    return _KNOWN
