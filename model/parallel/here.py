"""What a part knows of where it runs."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Here:
    """The surroundings of a part.

    Attributes:
        stop: set when nobody wants the result any more; programs that the part has started are to end.
        places: where files lie that were sent here, by the path that they have where the command runs.
        tell: called with what the part is at.
    """

    stop: threading.Event = field(default_factory=threading.Event)
    places: Mapping[Path, Path] = field(default_factory=dict)
    tell: Callable[[str], None] = lambda text: None

    def located(self, path: Path) -> Path:
        """Where a file lies on this machine."""
        return self.places.get(path, path)


_HERE: ContextVar[Here] = ContextVar("here")
_NOWHERE = Here()


def here() -> Here:
    """The surroundings of the part that calls this; outside of parts nothing stops and nobody listens."""
    return _HERE.get(_NOWHERE)


def settle(surroundings: Here) -> None:
    """Set the surroundings of this thread from now on."""
    _HERE.set(surroundings)
