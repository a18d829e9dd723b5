"""What no file may do to whoever reads it: write elsewhere, run a program, take long or much memory."""

import contextlib
import os
import resource
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

SECONDS = 60
"""Of one case; a hundred times what one takes on a quiet machine."""
ROOM = 4 << 30
"""Bytes of addresses that a case may ask for, lest the machine suffer from what is to be found out."""
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_CHANGING = (
    "os.rename",
    "os.mkdir",
    "os.remove",
    "os.rmdir",
    "os.link",
    "os.symlink",
    "os.truncate",
    "os.chmod",
)
_FORBIDDEN = ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "socket.connect", "shutil.rmtree")


class Broken(AssertionError):
    """A file did what it may not."""


class _Watch:
    """The audit hook: Python has no way to remove one, so that it is there once and rests between cases."""

    def __init__(self) -> None:
        self.folder: Path | None = None
        self.found: list[str] = []
        sys.addaudithook(self)

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self.folder is None:
            return
        if event in _FORBIDDEN:
            self.found.append(f"{event} {arguments[0]!r}")
        elif event == "open" and isinstance(arguments[0], str | bytes | os.PathLike):
            if isinstance(arguments[2], int) and arguments[2] & _WRITING:
                self._write(event, arguments[0])
        elif event in _CHANGING:
            for path in arguments[:2]:
                if isinstance(path, str | bytes | os.PathLike):
                    self._write(event, path)

    def _write(self, event: str, path: Any) -> None:
        folder, self.folder = self.folder, None
        try:
            where = Path(os.fsdecode(path)).absolute()
            inside = folder in where.parents or where == folder
            if (not inside or ".." in where.parts) and where != Path(os.devnull):
                self.found.append(f"{event} {where}")
        except ValueError:
            self.found.append(f"{event} {path!r}")
        finally:
            self.folder = folder


_WATCH = _Watch()


@contextlib.contextmanager
def guarded(folder: Path, memory: int) -> Iterator[None]:
    """Raise Broken if what happens inside writes anywhere but in ``folder``, takes much or long."""
    limits = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (_status("VmSize") + ROOM, limits[1]))
    handler = signal.signal(signal.SIGALRM, _late)
    signal.alarm(SECONDS)
    caching, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    Path("/proc/self/clear_refs").write_text("5")
    before = _status("VmRSS")
    _WATCH.folder, _WATCH.found = folder, []
    try:
        yield
    finally:
        _WATCH.folder = None
        signal.alarm(0)
        signal.signal(signal.SIGALRM, handler)
        resource.setrlimit(resource.RLIMIT_AS, limits)
        sys.dont_write_bytecode = caching
    taken = _status("VmHWM") - before
    if _WATCH.found:
        raise Broken(f"it did {', '.join(_WATCH.found)}, outside {folder}")
    if taken > memory:
        raise Broken(f"it took {taken:,} bytes of memory, but {memory:,} were allowed")


def _late(number: int, frame: Any) -> None:
    raise Broken(f"it took more than {SECONDS} s")


def _status(name: str) -> int:
    """Bytes of this process, as the kernel counts them."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{name}:"))
