"""What must be alike on all machines, lest the results differ or not arrive."""

from __future__ import annotations

import functools
import importlib.metadata
import platform
import sys
from collections.abc import Mapping
from pathlib import Path

from .job import code_digest

COMPARED = ("numpy", "torch", "distributed")
"""Packages whose version the results, or the way to the worker, depend on."""


@functools.cache
def describe() -> dict[str, str]:
    """The versions of this process: of the program itself by its content, of Python and of packages."""
    found = {"Pointwise": code_digest(), "Python": f"{sys.version_info.major}.{sys.version_info.minor}"}
    for package in COMPARED:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            found[package] = "none"
    return found


def difference(there: Mapping[str, str], here: Mapping[str, str]) -> str:
    """What another process has that the one of the command has not, in words; empty where they are alike."""
    for name, version in here.items():
        if there.get(name) != version:
            what = "code" if name == "Pointwise" else "version"
            return f"has {name} of another {what} ({there.get(name)}) than the command ({version})"
    return ""


def vectors() -> str:
    """The widest vectors of this processor: float32 sums may differ in their last bit between two kinds."""
    try:
        flags = set(Path("/proc/cpuinfo").read_text().partition("flags")[2].partition("\n")[0].split())
    except OSError:
        return platform.machine()
    return next((name for name in ("avx512f", "avx2") if name in flags), platform.machine())
