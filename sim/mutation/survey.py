"""Which tests run which line, how long they take, and how they end: all run once, under coverage.py."""

from __future__ import annotations

import ast
import difflib
import functools
import itertools
import json
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from pointwise.hw.contract.errors import PointwiseError
from pointwise.sim.docs.tree import ROOT

from .operators import sources
from .plugin import VARIABLE
from .sandbox import Sandbox

if TYPE_CHECKING:
    import coverage

TIMES, LINES, SOURCES = "times.json", "lines.coverage", "sources.json"
"""Files of a survey in its folder: of tests, of the lines that they ran, and of the sources as they were."""
ELSEWHERE = 2
"""How far a test is from a source of another folder."""
UNKNOWN, NEW = 10.0, 0.1
"""Seconds that the tests of a new file are taken to need, and new ones of a file that was known."""
HOURS = 3600.0
LIMIT = 6 * HOURS
"""Of a run of all tests."""


@dataclass(frozen=True)
class Survey:
    """What one run of all tests told.

    Attributes:
        folder: of its files. seconds: of each test that passed, by its name in pytest.
        sources: texts by path, as the tests ran them; lines of what was changed since are found again.
    """

    folder: Path
    seconds: dict[str, float]
    sources: dict[str, str] = field(default_factory=dict, repr=False)
    _known: dict[str, dict[int, list[str]]] = field(default_factory=dict, repr=False)

    def tests_of(self, path: str, line: int) -> list[str]:
        """The tests that ran a line, those of the file that mirrors it first, then the quick ones first.

        Of what a process computes once, the first test that wants it is seen running it; so to the tests that
        were seen those beside them come, in the same files, after all others. What an import runs, all tests
        depend on that run anything of the file, whoever imported it first. Where no test was seen, as the
        source is new or runs in other processes, those count that run what imports it. Files that mirror the
        source or its folder, or name it, stand for tests of theirs that are new.
        """
        lines, line = self._lines(path), self._then(path, line)
        seen = lines.get(line, ())
        if line in lines and (not seen or line not in _in_functions(self._text(path))):
            seen = sorted({test for tests in lines.values() for test in tests})
        if not seen:
            return self._tests_of_unseen(path)
        files = {file_of(test) for test in seen}
        beside = [test for test in self.seconds if file_of(test) in files and test not in set(seen)]
        new = _related(ROOT, path)
        return [*sorted([*seen, *new], key=self._order(path)), *sorted(beside, key=self._order(path))]

    def _tests_of_unseen(self, path: str) -> list[str]:
        related = _related(ROOT, path)
        known = [test for test in self.seconds if file_of(test) in related]
        files = sorted([*related, *known], key=self._order(path))
        above = [(place, self._order(place)) for place in _importers(ROOT, path)]
        tests = {
            test: order(test)
            for place, order in above
            for found in self._lines(place).values()
            for test in found
        }
        near = [test for test in files if not distance(path, file_of(test))]
        return list(dict.fromkeys([*near, *sorted(tests, key=tests.__getitem__), *files]))

    def seconds_of(self, test: str) -> float:
        """How long a test took, or the new ones of a file are taken to need."""
        return self.seconds.get(test) or (NEW if test in self._files else UNKNOWN)

    @functools.cached_property
    def _files(self) -> set[str]:
        return set(map(file_of, self.seconds))

    def _text(self, path: str) -> str:
        """Of a source, as the tests ran it."""
        return self.sources[path] if path in self.sources else (ROOT / path).read_text()

    def _then(self, path: str, line: int) -> int:
        """What number a line had, or the last one in front of it that was there."""
        return _numbers(self.sources[path], (ROOT / path).read_text())[line] if path in self.sources else line

    def _order(self, path: str) -> Callable[[str], tuple[int, float]]:
        return lambda test: (distance(path, file_of(test)), self.seconds_of(test))

    @functools.cached_property
    def _data(self) -> coverage.CoverageData:
        import coverage

        data = coverage.CoverageData(str(self.folder / LINES))
        data.read()
        return data

    def _lines(self, path: str) -> dict[int, list[str]]:
        if path not in self._known:
            contexts = self._data.contexts_by_lineno(path)
            self._known[path] = {line: sorted(set(self._names(names))) for line, names in contexts.items()}
        return self._known[path]

    def _names(self, contexts: Iterable[str]) -> Iterable[str]:
        for context in contexts:
            name = context.rpartition("|")[0]
            if name in self.seconds:
                yield name


@functools.cache
def _numbers(before: str, now: str) -> dict[int, int]:
    """For each line of a text the number, from 1, that it had before, or the last one that had one had."""
    known = {}
    matcher = difflib.SequenceMatcher(None, before.splitlines(), now.splitlines(), autojunk=False)
    for then, since, count in matcher.get_matching_blocks():
        known |= {since + offset + 1: then + offset + 1 for offset in range(count)}
    last = 1
    return {number: (last := known.get(number, last)) for number in range(1, now.count("\n") + 2)}


@functools.cache
def _in_functions(text: str) -> frozenset[int]:
    """The lines that run when a function is called; an import runs the others."""
    functions = (node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef))
    inside = (range(node.body[0].lineno, (node.end_lineno or 0) + 1) for node in functions)
    return frozenset(itertools.chain.from_iterable(inside))


@functools.cache
def _related(root: Path, path: str) -> list[str]:
    """The files of tests that mirror a source or its folder, or say its name.

    Where none mirrors the source itself, those come too that mirror the folder above.
    """
    name = path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
    named = re.compile(rf"\bpointwise\.{re.escape(name)}\b")
    files = {file.relative_to(root).as_posix(): file for file in sorted((root / "tests").rglob("test_*.py"))}
    near = [place for place in files if distance(path, place) < ELSEWHERE]
    above = PurePosixPath(path).parent
    if len(above.parts) > 1 and all(distance(path, place) for place in near):
        near += [place for place in _related(root, f"{above}.py") if place not in near]
    return near + [place for place in files if place not in near and named.search(files[place].read_text())]


@functools.cache
def _importers(root: Path, path: str) -> list[str]:
    """The sources that import a source of their folder, or of another one."""
    place = PurePosixPath(path)
    imports = re.compile(rf"^\s*from [\w.]*\.{place.stem} import ", re.MULTILINE)
    return [name for name, text in sources(root, place.parts[0]) if imports.search(text) and name != path]


def file_of(test: str) -> str:
    """The file of a test."""
    return test.partition("::")[0]


def distance(path: str, test: str) -> int:
    """How far from a source a file of tests is: 0 for its mirror, tests/model/x/test_y.py of model/x/y.py.

    1 in the mirror of its folder, ``ELSEWHERE`` otherwise.
    """
    place, found = PurePosixPath(path), PurePosixPath(test)
    if found.parent != PurePosixPath("tests") / place.parent:
        return ELSEWHERE
    return int(found.name != f"test_{place.stem}.py")


def survey(folder: Path, copy: Path, tests: Sequence[str] = (), workers: int = 2) -> Survey:
    """Read a survey of a folder, or make it: all tests run in a sandbox, under coverage.

    Args:
        folder: for its files; what was found there once is not looked for again.
        copy: the sandbox's folder. tests: as pytest takes them; all unless given.
        workers: processes of tests.

    Raises:
        PointwiseError: the tests could not be run.
    """
    if not (folder / TIMES).exists():
        folder.mkdir(parents=True, exist_ok=True)
        sandbox = Sandbox(copy)
        # Contexts name the tests, in one process or several; branches would only make the file larger.
        arguments = [f"--cov={name}" for name in ("hw", "model", "sim")]
        arguments += ["--cov-context=test", "--cov-report=", "-p", "pointwise.sim.mutation.plugin"]
        arguments += ["-n", str(workers), "--dist", "worksteal", *tests]
        told = sandbox.folder / TIMES
        variables = {VARIABLE: str(told), "COVERAGE_FILE": str(sandbox.folder / LINES)}
        ended = sandbox.pytest(arguments, LIMIT, variables=variables)
        if not told.exists():
            raise PointwiseError(f"The tests could not be run:\n{ended.output[-2000:]}")
        (sandbox.folder / LINES).replace(folder / LINES)
        texts = {path: text for top in ("hw", "model", "sim") for path, text in sources(sandbox.folder, top)}
        (folder / SOURCES).write_text(json.dumps(texts))
        told.replace(folder / TIMES)  # last: with it the survey is whole
    times = json.loads((folder / TIMES).read_text())
    passed = {test: seconds for test, (outcome, seconds) in times.items() if outcome == "passed"}
    texts = json.loads((folder / SOURCES).read_text()) if (folder / SOURCES).exists() else {}
    return Survey(folder, passed, texts)
