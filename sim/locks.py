"""One process at a time in a folder, whatever becomes of the others."""

import fcntl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def locked(directory: Path, tell: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Hold ``<directory>.lock`` for the length of a ``with`` statement, waiting for whoever holds it.

    ``tell`` is called where that takes a while.

    The operating system lets go of it when a process dies, so that a lock left behind never blocks.
    """
    directory.parent.mkdir(parents=True, exist_ok=True)
    with directory.with_name(directory.name + ".lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            tell()
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
