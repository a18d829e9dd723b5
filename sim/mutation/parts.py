"""Which mutants are tried, and with which tests."""

from __future__ import annotations

import itertools
import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pointwise.sim.docs.tree import ROOT

from .operators import Mutant, mutants, sources
from .survey import ELSEWHERE, Survey, distance, file_of


@dataclass(frozen=True)
class Part:
    """A mutant with its tests.

    Attributes:
        tests: that it is tried with, in this order: names of tests with the seconds that each took, or names
            of files for their other tests. running: how many there are of the line. left: tests of these
            files that are not among those, as there is no time for them.
    """

    mutant: Mutant
    tests: dict[str, float]
    running: int
    left: tuple[str, ...] = ()

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
    left = tuple(test for test in found.seconds if test not in taken and file_of(test) in taken)
    return Part(mutant, taken, len(tests), left)
