"""One mutant tried: its file is changed in a sandbox, and tests run, the nearest first, until one fails."""

from __future__ import annotations

import re
import signal
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from pointwise.sim.docs.tree import ROOT

from .operators import Mutant
from .parts import Part
from .sandbox import NO_TESTS, PASSED, TESTS_FAILED, Ended, Sandbox
from .survey import file_of

FAILED = re.compile(r"^(?:FAILED|ERROR) (.+?)(?: - .*)?$", re.MULTILINE)
TIMEOUT = "Failed: Timeout (>"
"""What pytest-timeout says of a test, in its report: the summary behind its name is cut to the terminal."""
PATIENCE, STARTING = 3.0, 30.0
"""A test of a mutant may take so many times what it took, and so many seconds to compile a simulator."""
BUSY = 4.0
"""So many times as long it may take where even without the mutant it takes too long."""

HARDWARE = ("hw/", "sim/rtl/")
"""Sources that simulators are compiled from."""


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


def attempt(sandbox: Sandbox, part: Part) -> Outcome:
    """Try one mutant: its file is changed in the sandbox, tests run until one fails."""
    mutant = part.mutant
    started, verdict, test = time.monotonic(), Verdict.UNTESTED, None
    ended, tests = None, {}
    for tests in part.steps():
        ended = _step(sandbox, mutant, tests, part.left)
        found, test = _verdict(ended)
        if found is Verdict.SLOW:
            found, test = _slow(sandbox, part, tests, (found, test))
        verdict = verdict if found is Verdict.UNTESTED else found
        if verdict.noticed:
            break
    # Where pytest itself gave up, the mutant is to blame only if the same tests are found without it.
    if verdict is Verdict.KILLED and ended is not None and ended.status != TESTS_FAILED:
        sandbox.check(_files(tests))
    return Outcome(
        path=mutant.path,
        line=mutant.line,
        kind=mutant.kind,
        diff=mutant.diff((ROOT / mutant.path).read_text()),
        verdict=verdict,
        test=test,
        tests=(len(part.tests), part.running),
        seconds=round(time.monotonic() - started, 1),
    )


def _step(
    sandbox: Sandbox,
    mutant: Mutant | None,
    tests: Mapping[str, float],
    left: Sequence[str],
    patience: float = 1.0,
) -> Ended:
    """Run tests until one fails, on the copy with a mutant or without.

    Args:
        left: of their files, what is not run. patience: how many times the usual limits they may take.
    """
    limits = {test: patience * (STARTING + PATIENCE * seconds) for test, seconds in tests.items()}
    arguments, limit = ["-x", *_files(tests)], patience * STARTING + sum(limits.values())
    if mutant is None:
        return sandbox.pytest(arguments, limit, tests=limits, left=left)
    source = (ROOT / mutant.path).read_text()
    sandbox.write(mutant.path, mutant.applied(source))
    try:
        same = not mutant.path.startswith(HARDWARE)
        return sandbox.pytest(arguments, limit, tests=limits, left=left, same_hardware=same)
    finally:
        sandbox.write(mutant.path, source)


def _slow(
    sandbox: Sandbox, part: Part, tests: Mapping[str, float], found: tuple[Verdict, str | None]
) -> tuple[Verdict, str | None]:
    """What a mutant is whose tests took too long: on a busy machine they may have without it."""
    test = found[1]
    doubted = tests if test is None or test not in tests else {test: tests[test]}
    if _verdict(_step(sandbox, None, doubted, part.left))[0] is not Verdict.SLOW:
        return found
    return _verdict(_step(sandbox, part.mutant, tests, part.left, patience=BUSY))


def _verdict(ended: Ended) -> tuple[Verdict, str | None]:
    if ended.status in (PASSED, NO_TESTS):
        return (Verdict.SURVIVED if ended.status == PASSED else Verdict.UNTESTED), None
    failed = FAILED.search(ended.output)
    slow = ended.status in (None, -signal.SIGALRM) or TIMEOUT in ended.output
    return (Verdict.SLOW if slow else Verdict.KILLED), failed[1] if failed else None


def _files(tests: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(map(file_of, tests)))
