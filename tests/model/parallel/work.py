"""Jobs for the tests of executors: their functions must be importable on workers."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from pointwise.hw.contract.errors import PointwiseError
from pointwise.model.parallel import Job, here

SLOW_S = 0.1


def job(folder: Path, name: str = "test", **options: object) -> Job:
    """A job that notes in a folder who does what."""
    return Job(name, partial(Work, folder), digest="0", **options)


class Work:
    """Squares a number. A word in place of it asks for something else; each call leaves a file."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, part: int | tuple[str, int]) -> int:
        what, number = part if isinstance(part, tuple) else ("square", part)
        self.note(f"{what}-{number}")
        return getattr(self, what)(number)

    def note(self, name: str) -> None:
        count = len(list(self.folder.glob(f"{name}.*")))
        (self.folder / f"{name}.{count}.{os.getpid()}").touch()

    def square(self, number: int) -> int:
        return number * number

    def slowly(self, number: int) -> int:
        time.sleep(SLOW_S)
        return number * number

    def once_stuck(self, number: int) -> int:
        """Never comes back the first time."""
        if len(list(self.folder.glob(f"once_stuck-{number}.*"))) == 1:
            with subprocess.Popen(["sleep", "1000"]) as program:
                try:
                    (self.folder / f"program-{program.pid}").touch()
                    program.wait()
                finally:
                    program.kill()
        return number * number

    def once_dead(self, number: int) -> int:
        """Ends its process the first time."""
        if len(list(self.folder.glob(f"once_dead-{number}.*"))) == 1:
            os._exit(9)
        return number * number

    def fails(self, number: int) -> int:
        raise ValueError(f"{number} is not liked")

    def refuses(self, number: int) -> int:
        raise PointwiseError(f"{number} is refused")


class FullOn:
    """Squares, on all workers but the first that comes, which has a full disk."""

    def __init__(self, folder: Path) -> None:
        self.mark = folder / "full"

    @classmethod
    def of(cls, folder: Path) -> Callable[[], FullOn]:
        return partial(cls, folder)

    def __call__(self, number: int) -> int:
        worker = str(os.getppid())
        try:
            with self.mark.open("x") as file:
                file.write(worker)
        except FileExistsError:
            pass
        if self.mark.read_text() in (worker, ""):
            raise OSError(28, "No space left on device")
        return number * number


class Read:
    """What two files hold, one of all parts and one of the part, and whether both were sent."""

    def __init__(self, shared: Path) -> None:
        self.text = (here().located(shared) / "sub" / "text.txt").read_text()
        self.sent = here().located(shared) != shared

    def __call__(self, part: tuple[int, Path]) -> tuple[str, bool]:
        place = here().located(part[1])
        return f"{self.text} {place.read_text()} {part[0]}", self.sent and place != part[1]


def own(part: tuple[int, Path]) -> list[Path]:
    return [part[1]]


def reading(shared: Path) -> Job:
    return Job("reading", partial(Read, shared), digest="0", files=(shared,), part_files=own)


def broken() -> Callable[[int], int]:
    raise PointwiseError("there is nothing to load")


def unsendable() -> Callable[[int], int]:
    return lambda number: number
