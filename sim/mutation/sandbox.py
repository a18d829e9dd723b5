"""Where changed sources are tried: a copy of the project, out of which its tests are run.

What is installed names the folders of the project itself, so in the copy's environment a finder comes first
that names the copy's. Simulators of the unchanged hardware are found where the project has them; those of
changed hardware are the copy's own, and removed.
"""

from __future__ import annotations

import os
import shutil
import time
import weakref
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pointwise.hw.contract.errors import PointwiseError
from pointwise.sim.build import VARIABLE, build_root
from pointwise.sim.docs.tree import PLACES, ROOT

from .forks import Forks

FOLDERS = ("hw", "model", "sim", "tests", "docs")
FILES = ("pyproject.toml", "constraints.txt", "Makefile", "README.md", "LICENSE", "mkdocs.yml")
"""What tests read, where it is there."""
WHOLE = ("done.json", "done")
"""Files of a simulator and of headers that are written last."""
PASSED, TESTS_FAILED, NO_TESTS = 0, 1, 5
"""Statuses of pytest: all went well, all but for a test, there was none."""
LIMIT = 600.0
"""Seconds in which the tests of a file are found."""
FINDER = '''"""Made by pointwise mutate: the package is imported from the copy that this lies in."""
import importlib.machinery, importlib.util, pathlib, sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
PLACES = {places!r}

class Finder:
    @staticmethod
    def find_spec(name, path=None, target=None):
        if name not in PLACES:
            return None
        folder = ROOT / PLACES[name]
        return importlib.util.spec_from_file_location(
            name, folder / "__init__.py", submodule_search_locations=[str(folder)]
        )

sys.meta_path.insert(0, Finder)
'''


@dataclass(frozen=True)
class Ended:
    """How a run of the tests ended: the status, None where it was stopped; its output; seconds."""

    status: int | None
    output: str
    seconds: float


class Sandbox:
    """A copy of the project in a folder, which is made anew.

    Raises:
        PointwiseError: the project is not there: Pointwise runs as it was installed, without its tests.
    """

    def __init__(self, folder: Path) -> None:
        if not (ROOT / "tests").is_dir() or not (ROOT / "pyproject.toml").is_file():
            raise PointwiseError(
                "Mutants are tried with the project's tests, which are not installed; run it in a clone"
            )
        self.folder = folder = folder.resolve()
        shutil.rmtree(folder, ignore_errors=True)
        for name in FOLDERS:
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        for name in FILES:
            if (ROOT / name).exists():
                shutil.copy2(ROOT / name, folder / name)
        places = {place.replace("/", "."): source for source, place in PLACES.items()}
        finder = folder / "finder" / "sitecustomize.py"
        finder.parent.mkdir()
        finder.write_text(FINDER.format(places=places))
        self.build = folder / "build"
        environment = dict(os.environ) | {"PYTHONPATH": str(finder.parent), VARIABLE: str(self.build)}
        # Threads do not survive a fork; and on a busy machine more of them only get in each other's way.
        environment |= dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
        self._checked: set[str] = set()
        self._forks = Forks(folder, environment, folder / "starter.log")
        weakref.finalize(self, self._forks.close)

    def pytest(
        self,
        arguments: Sequence[str],
        limit: float,
        *,
        tests: Mapping[str, float] | None = None,
        left: Sequence[str] = (),
        variables: Mapping[str, str] | None = None,
        same_hardware: bool = False,
    ) -> Ended:
        """Run pytest in the copy.

        Args:
            arguments: of its command line. limit: seconds after which it and all that it started are stopped.
            tests: those that are run, in this order, with the seconds that each may take: names of tests, or
                of files for all their other tests. left: tests of these files that are not run.
            variables: further ones of the environment.
            same_hardware: whether the hardware is the project's, so that its simulators are worth keeping.
        """
        self._link_simulators()
        started, log = time.monotonic(), self.folder / "pytest.log"
        status = self._forks.run(
            ["-q", "-p", "no:cacheprovider", *arguments], tests, left, limit, log, variables or {}
        )
        seconds = time.monotonic() - started
        if not same_hardware:
            self._remove_simulators()
        return Ended(status, log.read_text(errors="replace"), seconds)

    def check(self, files: Sequence[str]) -> None:
        """Find the tests of some files in the copy as it is.

        Raises:
            PointwiseError: they cannot be imported.
        """
        for file in set(files) - self._checked:
            found = self.pytest(["--collect-only", file], LIMIT)
            if found.status not in (PASSED, NO_TESTS):  # without tests: they are skipped here, all of them
                raise PointwiseError(f"The tests of {file} cannot be collected:\n{found.output[-2000:]}")
            self._checked.add(file)

    def write(self, path: str, text: str) -> None:
        """Give a file of the copy another text, and a time that no text of it had.

        Python takes what it compiled of a file for the file's as long as time, in seconds, and size agree.
        """
        file = self.folder / path
        later = int(file.stat().st_mtime) + 1
        file.write_text(text)
        os.utime(file, (later, later))

    def _link_simulators(self) -> None:
        """Show the copy what the project has compiled: what is whole, as others may be compiling there."""
        mine, theirs = self.build / "benches", build_root() / "benches"
        mine.mkdir(parents=True, exist_ok=True)
        for found in theirs.iterdir() if theirs.is_dir() else ():
            whole = found.name.startswith("runtime-") or any((found / done).exists() for done in WHOLE)
            if whole and not (mine / found.name).exists():
                (mine / found.name).symlink_to(found)

    def _remove_simulators(self) -> None:
        for found in (self.build / "benches").iterdir():
            if found.is_dir() and not found.is_symlink():
                shutil.rmtree(found, ignore_errors=True)
