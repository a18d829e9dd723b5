"""The exceptions that are meant for people, and how their sentences show what somebody else wrote."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from .registers import Error

SHOWN = 60
"""Characters of a value that are shown."""


class PointwiseError(Exception):
    """A bad input, told in one sentence: the thing, what was expected, and what to do.

    The command line prints the sentence and ends with a non-zero exit status; a traceback would mean a bug.
    """


class Interrupted(PointwiseError):
    """Work that a person interrupted; the sentence says how much is done, and how it goes on."""


class Refused(PointwiseError):
    """What a core refuses as well.

    Attributes:
        error: the code that it gives. instruction: index of the instruction that is no good, or None where
            the image itself is refused.
        place: of a transfer that leaves its window that window (``Base``) and the transfer's offset in it, or
            None.
    """

    def __init__(
        self,
        sentence: str,
        error: Error,
        instruction: int | None = None,
        place: tuple[int, int] | None = None,
    ) -> None:
        super().__init__(sentence)
        self.error, self.instruction, self.place = error, instruction, place


def shown(value: Any) -> str:
    """A value of JSON as JSON has it, but short and on one line, for a sentence."""
    # A lone half of a character cannot be printed; a text with one is shown in ASCII.
    text = json.dumps(_pruned(value), ensure_ascii=False, default=repr)
    text = text if text.isprintable() else json.dumps(_pruned(value), default=repr)
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 1]}…"


def _pruned(value: Any, depth: int = 3) -> Any:
    """The first entries of what contains others, the deepest left out."""
    if isinstance(value, str):
        return value[:SHOWN]
    if not isinstance(value, Mapping | Sequence) or isinstance(value, bytes):
        return value
    if not depth:
        return "…"
    if isinstance(value, Mapping):
        return {str(name)[:SHOWN]: _pruned(value[name], depth - 1) for name in [*value][:SHOWN]}
    return [_pruned(inner, depth - 1) for inner in value[:SHOWN]]
