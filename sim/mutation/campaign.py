"""Draws mutants and tries them: each in a copy of the project, with the tests that run its line."""

from __future__ import annotations

import random
import re
import threading
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from functools import partial
from pathlib import Path

from pointwise.hw.contract.errors import PointwiseError
from pointwise.model.parallel import Job
from pointwise.sim.docs.tree import ROOT

from .operators import Mutant, mutants, sources
from .sandbox import Ended, Sandbox
from .survey import Survey

FAILED = re.compile(r"^(?:FAILED|ERROR) (\S+)", re.MULTILINE)
TESTS_FAILED = 1
"""The status of pytest by which it says that all went well but for the tests."""
PATIENCE, STARTING = 4.0, 90.0
"""A mutant's tests may take so many times what they took, and so many seconds to import and compile."""


class Verdict(StrEnum):
    """What became of a mutant."""

    KILLED = "killed"
    SLOW = "killed by time"
    SURVIVED = "survived"
    UNTESTED = "survived, for no test runs it"

    @property
    def noticed(self) -> bool:
        """Whether the tests told it from the source."""
        return self in (Verdict.KILLED, Verdict.SLOW)


@dataclass(frozen=True)
class Outcome:
    """One mutant tried.

    Attributes:
        path, line, kind, diff: of the mutant. verdict: a ``Verdict``. test: that failed first, or None.
        tests: how many it was tried with, of how many that run the line.
        seconds: that took.
    """

    path: str
    line: int
    kind: str
    diff: str
    verdict: str
    test: str | None
    tests: tuple[int, int]
    seconds: float


@dataclass(frozen=True)
class Part:
    """A mutant with the tests that it is tried with, their seconds, and how many more there are."""

    mutant: Mutant
    tests: tuple[str, ...]
    seconds: float
    running: int


def draw(folders: Sequence[str], count: int, seed: int, root: Path = ROOT) -> list[Mutant]:
    """Mutants of some folders, so many of each folder at the top, without preference, in the sources' order.

    A larger count of the same seed has those of a smaller one.
    """
    drawn: list[Mutant] = []
    tops: dict[str, list[Mutant]] = defaultdict(list)
    for folder in folders:
        tops[folder.partition("/")[0]] += [
            mutant for path, text in sources(root, folder) for mutant in mutants(path, text)
        ]
    for found in tops.values():
        random.Random(seed).shuffle(found)
        drawn += sorted(found[:count], key=lambda mutant: (mutant.path, mutant.start))
    return drawn


def part_of(mutant: Mutant, found: Survey, seconds: float) -> Part:
    """A mutant with its tests: as many as fit in so many seconds, and one at least."""
    tests, spent = found.tests_of(mutant.path, mutant.line), 0.0
    taken: list[str] = []
    for test in tests:
        if taken and spent + found.seconds[test] > seconds:
            continue
        spent += found.seconds[test]
        taken.append(test)
    return Part(mutant, tuple(taken), spent, len(tests))


class Campaign:
    """The function that tries a part: in a sandbox of each thread, made when it is first wanted.

    Args:
        folder: in which the sandboxes lie.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._mine = threading.local()
        self._count, self._lock = 0, threading.Lock()

    def __call__(self, part: Part) -> dict:
        return asdict(attempt(self.sandbox, part))

    @property
    def sandbox(self) -> Sandbox:
        """That of this thread."""
        if not hasattr(self._mine, "sandbox"):
            with self._lock:
                self._count += 1
                number = self._count
            self._mine.sandbox = Sandbox(self.folder / f"copy{number}")
        return self._mine.sandbox


def names(drawn: Sequence[Mutant], done: Mapping[str, dict], tests: str | None) -> dict[str, Mutant]:
    """The names of parts for mutants, by which their results are kept.

    Args:
        done: results of earlier runs. tests: a digest of the tests, with which survivors of earlier runs are
            tried anew; None where they are not.
    """

    def name(mutant: Mutant) -> str:
        earlier = done.get(mutant.key)
        if earlier is None or tests is None or Verdict(earlier["verdict"]).noticed:
            return mutant.key
        return f"{mutant.key} with {tests}"

    return {name(mutant): mutant for mutant in drawn}


def campaign(folder: Path, digest: str) -> Job:
    """The work of trying mutants; a part is a ``Part``."""
    return Job("mutate", partial(Campaign, folder), digest, programs=True)


def attempt(sandbox: Sandbox, part: Part) -> Outcome:
    """Try one mutant: its file is changed in the sandbox, tests run until one fails, the file is restored."""
    mutant = part.mutant
    source = (ROOT / mutant.path).read_text()

    def outcome(verdict: Verdict, test: str | None = None, seconds: float = 0.0) -> Outcome:
        tests = (len(part.tests), part.running)
        diff = mutant.diff(source)
        return Outcome(mutant.path, mutant.line, mutant.kind, diff, verdict, test, tests, round(seconds, 1))

    if not part.tests:
        return outcome(Verdict.UNTESTED)
    listed = sandbox.folder / "tests.txt"
    listed.write_text("\n".join(part.tests))
    sandbox.write(mutant.path, mutant.applied(source))
    try:
        ended = sandbox.pytest(["-x", "-n0", f"@{listed}"], STARTING + PATIENCE * part.seconds)
    finally:
        sandbox.write(mutant.path, source)
    # Where pytest itself gave up, the mutant is to blame only if the same tests are found without it.
    if ended.status is not None and ended.status > TESTS_FAILED:
        found = sandbox.pytest(["--collect-only", "-n0", f"@{listed}"], STARTING)
        if found.status != 0:
            raise PointwiseError(f"The tests of {mutant.path} cannot be collected:\n{found.output[-2000:]}")
    return outcome(*_verdict(ended), seconds=ended.seconds)


def _verdict(ended: Ended) -> tuple[Verdict, str | None]:
    if ended.status is None:
        return Verdict.SLOW, None
    if ended.status == 0:
        return Verdict.SURVIVED, None
    failed = FAILED.search(ended.output)
    return Verdict.KILLED, failed[1] if failed else None
