"""One process at a time in a folder, whatever becomes of the others."""

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from pointwise.hw.contract.errors import PointwiseError


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


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Make a folder for the files of a run and hold it, so that no other run writes there at the same time.

    The folder itself is locked: nothing is left behind, and the lock ends with the process. A folder that was
    made for this and stayed empty is removed again.

    Raises:
        PointwiseError: another run has it, or it cannot be made.
    """
    made = not folder.exists()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise PointwiseError(
            f"the folder {folder} cannot be made ({error.strerror}); choose another one with --out, or set "
            "POINTWISE_BUILD to one that can be written"
        ) from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise PointwiseError(
                f"another run writes into {folder} at this moment; wait for it, or choose another folder "
                "with --out"
            ) from error
        except OSError:
            pass  # a file system without locks
        yield
    finally:
        os.close(descriptor)
        if made:
            with suppress(OSError):
                folder.rmdir()


_HELD = ExitStack()


def hold(folder: Path) -> None:
    """``alone`` until ``release``: for a command, from where it knows its folder to its end."""
    _HELD.enter_context(alone(folder))


def release() -> None:
    """Let go of what ``hold`` has taken."""
    _HELD.close()
