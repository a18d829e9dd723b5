"""Draws mutants and tries them: each in a copy of the project, with the tests that run its line."""

from __future__ import annotations

import itertools
import random
import re
import signal
import threading
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from functools import partial
from pathlib import Path

from pointwise.model.parallel import Job
from pointwise.sim.docs.tree import ROOT

from .operators import Mutant, mutants, sources
from .sandbox import Ended, Sandbox
from .survey import ELSEWHERE, Survey, distance, file_of

FAILED = re.compile(r"^(?:FAILED|ERROR) (.+?)(?: - (.*))?$", re.MULTILINE)
TIMEOUT = "Failed: Timeout"
"""What pytest-timeout says of a test, behind its name."""
PASSED, TESTS_FAILED, NO_TESTS = 0, 1, 5
"""Statuses of pytest: all went well, all but for a test, there was none."""
PATIENCE, STARTING = 3.0, 30.0
"""A test of a mutant may take so many times what it took, and so many seconds to compile a simulator."""

HARDWARE = ("hw/", "sim/rtl/")
"""Sources that simulators are compiled from."""
WITH = " with "
"""Between a mutant's name and the digest of the tests that it was tried with again."""


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
        tests: how many it was to be tried with, of how many that run the line.
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
    """A mutant with its tests.

    Attributes:
        tests: that it is tried with, in this order: names of tests with the seconds that each took, or names
            of files. running: how many there are of the line.
    """

    mutant: Mutant
    tests: dict[str, float]
    running: int

    def steps(self) -> list[dict[str, float]]:
        """The tests in two steps, the first of the files that are nearest: most mutants need no more."""
        far = {test: distance(self.mutant.path, file_of(test)) for test in self.tests}
        nearest = min(far.values(), default=ELSEWHERE)
        near = [test for test in self.tests if far[test] == nearest < ELSEWHERE] or list(self.tests)[:1]
        rest = [test for test in self.tests if test not in near]
        parts = [{test: self.tests[test] for test in tests} for tests in (near, rest)]
        return [part for part in parts if part]


def draw(folders: Sequence[str], count: int, seed: int, root: Path = ROOT) -> list[Mutant]:
    """Mutants of some folders, so many of each folder at the top, without preference, the tops by turns.

    A larger count of the same seed has those of a smaller one, and in front.
    """
    tops: dict[str, list[Mutant]] = defaultdict(list)
    for folder in folders:
        tops[folder.partition("/")[0]] += [
            mutant for path, text in sources(root, folder) for mutant in mutants(path, text)
        ]
    for found in tops.values():
        random.Random(seed).shuffle(found)
    turns = itertools.zip_longest(*(found[:count] for found in tops.values()))
    return [mutant for turn in turns for mutant in turn if mutant is not None]


def part_of(mutant: Mutant, found: Survey, seconds: float) -> Part:
    """A mutant with its tests: as many as fit in so many seconds, and one at least."""
    tests, spent = found.tests_of(mutant.path, mutant.line), 0.0
    taken: dict[str, float] = {}
    for test in tests:
        took = found.seconds_of(test)
        if taken and spent + took > seconds:
            continue
        spent += took
        taken[test] = took
    return Part(mutant, taken, len(tests))


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
        done: results of earlier runs, in their order. tests: a digest of the tests, with which survivors of
            earlier runs are tried anew; None where they are not.
    """
    tried: dict[str, list[str]] = defaultdict(list)
    for key in done:
        tried[key.partition(WITH)[0]].append(key)

    def name(mutant: Mutant) -> str:
        earlier = tried[mutant.key]
        noticed = [key for key in earlier if Verdict(done[key]["verdict"]).noticed]
        if noticed or (earlier and tests is None):
            return (noticed or earlier)[-1]
        return f"{mutant.key}{WITH}{tests}" if earlier else mutant.key

    return {name(mutant): mutant for mutant in drawn}


def campaign(folder: Path, digest: str) -> Job:
    """The work of trying mutants; a part is a ``Part``."""
    return Job("mutate", partial(Campaign, folder), digest, programs=True)


def attempt(sandbox: Sandbox, part: Part) -> Outcome:
    """Try one mutant: its file is changed in the sandbox, tests run until one fails, the file is restored."""
    mutant = part.mutant
    source = (ROOT / mutant.path).read_text()
    started, verdict, test = time.monotonic(), Verdict.UNTESTED, None
    doubted: list[str] = []
    sandbox.write(mutant.path, mutant.applied(source))
    try:
        for tests in part.steps():
            ended = _step(sandbox, mutant.path, tests)
            found, test = _verdict(ended)
            verdict = verdict if found is Verdict.UNTESTED else found
            if verdict.noticed:
                doubted = [] if ended.status in (None, TESTS_FAILED) else _files(tests)
                break
    finally:
        sandbox.write(mutant.path, source)
    if doubted:  # pytest itself gave up: the mutant is to blame only if the same tests are found without it
        sandbox.check(doubted)
    return Outcome(
        path=mutant.path,
        line=mutant.line,
        kind=mutant.kind,
        diff=mutant.diff(source),
        verdict=verdict,
        test=test,
        tests=(len(part.tests), part.running),
        seconds=round(time.monotonic() - started, 1),
    )


def _step(sandbox: Sandbox, path: str, tests: Mapping[str, float]) -> Ended:
    """Run tests on the copy as it is, with another text of a file, until one fails."""
    limits = {test: STARTING + PATIENCE * seconds for test, seconds in tests.items()}
    same_hardware = not path.startswith(HARDWARE)
    return sandbox.pytest(
        ["-x", *_files(tests)], sum(limits.values()), tests=limits, same_hardware=same_hardware
    )


def _verdict(ended: Ended) -> tuple[Verdict, str | None]:
    if ended.status in (PASSED, NO_TESTS):
        return (Verdict.SURVIVED if ended.status == PASSED else Verdict.UNTESTED), None
    failed = FAILED.search(ended.output)
    slow = ended.status in (None, -signal.SIGALRM) or (failed is not None and TIMEOUT in (failed[2] or ""))
    return (Verdict.SLOW if slow else Verdict.KILLED), failed[1] if failed else None


def _files(tests: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(map(file_of, tests)))
