"""Many mutants, tried in copies of the project that lie side by side, and the names of their results."""

from __future__ import annotations

import fcntl
import itertools
import threading
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import IO

from pointwise.model.parallel import Job

from .attempt import Verdict, attempt
from .equivalents import reason
from .operators import Mutant
from .parts import Part
from .sandbox import Sandbox

WITH = " with "
"""Between a mutant's name and the digest of the tests that it was tried with again."""


class Campaign:
    """The function that tries a part: in a sandbox of each thread, made when it is first wanted.

    Args:
        folder: in which the sandboxes lie, those of other commands too.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._mine = threading.local()

    def __call__(self, part: Part) -> dict:
        return asdict(attempt(self.sandbox, part))

    @property
    def sandbox(self) -> Sandbox:
        """That of this thread."""
        if not hasattr(self._mine, "sandbox"):
            self._mine.lock, place = free_place(self.folder)
            self._mine.sandbox = Sandbox(place)
        return self._mine.sandbox


def free_place(folder: Path) -> tuple[IO[bytes], Path]:
    """A folder for a copy that nobody uses, with the file that must stay open as long as it is used."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in itertools.count(1):
        file = (folder / f"copy{number}.lock").open("wb")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            continue
        return file, folder / f"copy{number}"
    raise AssertionError("numbers have no end")


def names(drawn: Sequence[Mutant], done: Mapping[str, dict], tests: str | None) -> dict[str, Mutant]:
    """The names of parts for mutants, by which their results are kept.

    Args:
        done: results of earlier runs, in their order. tests: a digest of the tests, with which survivors of
            earlier runs, but those with a reason, are tried anew; None where they are not.
    """
    tried: dict[str, list[str]] = defaultdict(list)
    for key in done:
        tried[key.partition(WITH)[0]].append(key)

    def name(mutant: Mutant) -> str:
        earlier = tried[mutant.key]
        noticed = [key for key in earlier if Verdict(done[key]["verdict"]).noticed]
        settled = noticed or [key for key in earlier if reason(mutant.path, done[key]["diff"]) is not None]
        if settled or (earlier and tests is None):
            return (settled or earlier)[-1]
        return f"{mutant.key}{WITH}{tests}" if earlier else mutant.key

    return {name(mutant): mutant for mutant in drawn}


def campaign(folder: Path, digest: str) -> Job:
    """The work of trying mutants; a part is a ``Part``."""
    return Job("mutate", partial(Campaign, folder), digest, programs=True)
