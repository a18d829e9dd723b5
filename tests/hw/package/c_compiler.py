"""Compiles the C that is written beside the Verilog, with all warnings as errors."""

import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

HERE = Path(__file__).parent
STRICT = ("-std=c11", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Werror")


def compile_c(out: Path, folder: Path, sources: Sequence[Path], *options: str) -> Path:
    """Compile and link, with the headers of ``folder``; what the compiler objects to fails the test."""
    command = ["gcc", *STRICT, *options, "-I", str(folder), *map(str, sources), "-o", str(out)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        pytest.skip("there is no gcc on PATH")
    assert done.returncode == 0, done.stderr
    return out


def driver_library(out: Path, folder: Path) -> Path:
    """The driver as a shared library whose register accesses are ``bus_read`` and ``bus_write``."""
    sources = [folder / "pointwise.c", HERE / "bus.c"]
    return compile_c(out, folder, sources, "-shared", "-fPIC", "-DPOINTWISE_OWN_ACCESS")
