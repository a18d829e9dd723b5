"""Which function translates which operator of another form of networks.

A translator is a function of the builder and of the operator's arguments. What is a constant comes as a
tensor, what depends on the input as a ``Symbol`` (or as a ``Moment``, on the way to a LayerNorm). It returns
a symbol, or several. A new operator is a function with ``@translates`` in the file of its family; a new
family is a file that its registry lists.
"""

from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any, TypeVar

Translator = Callable[..., Any]
T = TypeVar("T", bound=Translator)


class Registry:
    """The translators of one form.

    Args:
        package: in which the files are. families: their names.
    """

    def __init__(self, package: str, families: Sequence[str]) -> None:
        self._package, self._families = package, families
        self._known: dict[str, Translator] = {}

    def translates(self, *names: str) -> Callable[[T], T]:
        """Make a function the translator of operators of these names."""

        def known(function: T) -> T:
            self._known.update(dict.fromkeys(names, function))
            return function

        return known

    def translators(self) -> dict[str, Translator]:
        """All of them by the operator's name."""
        for family in self._families:
            import_module(f"{self._package}.{family}")
        return self._known
