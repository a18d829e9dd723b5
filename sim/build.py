"""Verilog to a simulator that cocotb can drive: lean, cached by content, and safe for several test processes.

A build lies in ``build/benches/<name>-<hash>/`` below the working directory (``POINTWISE_BUILD`` names
another place for ``build``). The hash is of everything that goes into it, so that it is made once and found
ever after. Deleting the folder is always safe.

Lean means that only the ports of the top module are visible to cocotb. A visible signal is kept out of
Verilator's optimiser; with all of them visible, cocotb's own default, the model is several times slower.
"""

import functools
import hashlib
import importlib.metadata
import json
import os
import re
import shutil
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pointwise.hw.contract.errors import PointwiseError

from .locks import locked
from .runtime import provide_headers, provide_library
from .verilator import compiler_version, find_compiler, find_verilator

RTL = Path(__file__).parent / "rtl"
"""Where the behavioural SystemVerilog of the simulation lies."""

CHECKERS = (
    RTL / "bus_check_pkg.sv",
    RTL / "channel_checker.sv",
    RTL / "axi_checker.sv",
    RTL / "axil_checker.sv",
    RTL / "window_checker.sv",
)
"""The protocol checkers, in the order in which they must be compiled."""

DRAM = (RTL / "stall_source.sv", RTL / "dram_fault.sv", RTL / "dram_memory.sv", RTL / "axi_dram.sv")
"""The behavioural memory."""

_LAYOUT = 1  # of a build folder; a new number makes every old build unknown


@dataclass(frozen=True)
class Build:
    """A finished simulator.

    Attributes:
        top: name of its top module.
        executable: the program; run it through ``pointwise.sim.bench.run``, which tells cocotb what it needs.
        directory: the folder of the build, with ``build.log``.
        waves: name of the wave file that it can write, or None.
    """

    top: str
    executable: Path
    directory: Path
    waves: str | None


COVERAGE = "POINTWISE_COVERAGE"
"""Of the environment: where to put what simulators count of their lines and signals, a file for each run.
Nothing is counted unless it is set; simulators that count are others."""
COUNTING = ("--coverage-line", "--coverage-toggle")

VARIABLE = "POINTWISE_BUILD"
"""Of the environment: another place for everything that is generated."""


def build_root() -> Path:
    """Where everything generated goes: ``POINTWISE_BUILD``, or else ``build`` in the working directory."""
    return Path(os.environ.get(VARIABLE) or "build").resolve()


def build(
    sources: Sequence[Path | str],
    top: str,
    *,
    name: str | None = None,
    parameters: Mapping[str, int | str] | None = None,
    defines: Mapping[str, str] | None = None,
    lean: bool = True,
    waves: bool | str = False,
    timing: bool = False,
    optimise: str = "-O0",
    arguments: Sequence[str] = (),
    main: Path | None = None,
) -> Build:
    """Compile a simulator, or find the one that was compiled from the same.

    Args:
        sources: Verilog in the order of compilation: a ``Path`` is a file, a ``str`` is Verilog text.
        top: the top module.
        name: what the folder is called after; the top module unless given.
        parameters: parameters of the top module; a text is given as a Verilog string.
        defines: preprocessor macros.
        lean: make only the top's ports visible. ``False`` shows every signal, for looking into a component.
        waves: be able to write waves, in ``wave_format`` or the one that is named; slower even while none are
            written.
        timing: allow delays in the Verilog, such as a clock of its own.
        optimise: what the C++ compiler is told for the model. ``-O0`` compiles fast; ``-O1`` takes twice as
            long, which pays from about a million cycles on; ``-O3`` runs fast.
        arguments: further arguments for Verilator.
        main: a main program in C++ for a model that is no bench of cocotb's; the model is ``Vtop``.

    Raises:
        PointwiseError: if a tool is missing, a file cannot be read or the sources do not compile.
    """
    texts = [_text(source) for source in sources]
    program = texts if main is None else [*texts, _text(main)]
    options = ["--timing" if timing else "--no-timing", "--timescale", "1ns/1ps", "-Wno-fatal", *arguments]
    for key, value in (parameters or {}).items():
        options += [f'-G{key}="{value}"' if isinstance(value, str) else f"-G{key}={value}"]
    options += [f"-D{key}={value}" for key, value in (defines or {}).items()]
    form = waves if isinstance(waves, str) else wave_format() if waves else None
    options += [f"--trace-{form}"] if form else []
    options += COUNTING if coverage_folder() else ()
    options += [] if lean else ["--public-flat-rw"]
    key = _key(program, top, lean, options, optimise)
    directory = build_root() / "benches" / f"{name or top}-{key}"
    finished = Build(top, directory / "simulator", directory, form and f"dump.{form}")
    with locked(directory):
        if not (directory / "done.json").exists():
            shutil.rmtree(directory, ignore_errors=True)
            directory.mkdir(parents=True)
            started = time.monotonic()
            _compile(finished, sources, texts, lean, options, optimise, main)
            summary = {"top": top, "options": options, "seconds": round(time.monotonic() - started, 1)}
            (directory / "done.json").write_text(json.dumps(summary, indent=2) + "\n")
    return finished


def coverage_folder() -> Path | None:
    """The folder that ``POINTWISE_COVERAGE`` names, or None."""
    named = os.environ.get(COVERAGE)
    return Path(named).resolve() if named else None


@functools.cache
def wave_format() -> str:
    """``fst``, which is small, where Verilator finds the zlib and lz4 that it needs for it; else ``vcd``."""
    program = "#include <zlib.h>\n#include <lz4.h>\nint main() { zlibVersion(); LZ4_versionNumber(); }\n"
    command = [find_compiler(), "-x", "c++", "-", "-o", os.devnull, "-llz4", "-lz"]
    done = subprocess.run(command, input=program, text=True, capture_output=True, check=False)
    return "vcd" if done.returncode else "fst"


def _text(source: Path | str) -> str:
    if isinstance(source, str):
        return source
    try:
        return source.read_text()
    except OSError as error:
        raise PointwiseError(f"the Verilog source {source} cannot be read: {error.strerror}") from error


def _key(texts: Sequence[str], top: str, lean: bool, options: Sequence[str], optimise: str) -> str:
    """Twelve hexadecimal digits that stand for all that goes into a build."""
    tools = [find_verilator().executable, find_verilator().version, find_compiler()]
    parts = [_LAYOUT, *tools, importlib.metadata.version("cocotb"), top, lean, *options, optimise, *texts]
    return hashlib.sha256("\0".join(str(part) for part in parts).encode()).hexdigest()[:12]


def _compile(
    target: Build,
    sources: Sequence[Path | str],
    texts: Sequence[str],
    lean: bool,
    options: list[str],
    optimise: str,
    main: Path | None,
) -> None:
    """Write the sources into the folder, run Verilator there, then the C++ compiler.

    `cocotb_tools.runner` would too, but with all signals public (``--public-flat-rw``), which keeps Verilator
    from simplifying the model, and with headers and library compiled anew for each.
    """
    import cocotb_tools.config

    files = []
    for index, (source, text) in enumerate(zip(sources, texts, strict=True)):
        stem = source.stem if isinstance(source, Path) else "generated"
        file = target.directory / "source" / f"{index:02d}_{stem}.sv"
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)
        files.append(file)
    if lean:
        file = target.directory / "source" / "lean.vlt"
        file.write_text(f'`verilator_config\npublic_flat_rw -module "{target.top}" -port "*"\n')
        files.insert(0, file)
    libraries = Path(cocotb_tools.config.libs_dir)
    cocotb_main = Path(cocotb_tools.config.share_dir) / "lib" / "verilator" / "verilator.cpp"
    link = f"-Wl,-rpath,{libraries} -L{libraries} -lcocotbvpi_verilator"
    objects = target.directory / "objects"
    verilate = ["--cc", "--exe", "--prefix", "Vtop", "--top-module", target.top]
    verilate += ["-Mdir", str(objects), "-o", str(target.executable), *options]
    verilate += ["--vpi", "-LDFLAGS", link, str(cocotb_main)] if main is None else [str(main.resolve())]
    verilate += map(str, files)
    verilator = find_verilator()
    environment = verilator.environment(find_compiler())
    log = target.directory / "build.log"
    _run([str(verilator.executable), *verilate], environment, log, target.top)

    def make(arguments: Sequence[str]) -> None:
        _run(["make", "-C", str(objects), "-f", "Vtop.mk", *arguments], environment, log, target.top)

    machine = [environment["MAKEFLAGS"], str(verilator.executable), compiler_version(find_compiler())]
    provide_library(objects, target.directory.parent, machine, make)
    make(provide_headers(objects, target.directory.parent, machine, optimise, make))
    for leftover in [*objects.glob("*.o"), *objects.glob("*.a"), *objects.glob("*.gch")]:
        leftover.unlink()


def _run(command: Sequence[str], environment: Mapping[str, str], log: Path, top: str) -> None:
    """Run one step of a build with its output appended to the log; raises PointwiseError when it fails."""
    with log.open("a") as file:
        file.write(f"$ {' '.join(command)}\n")
        file.flush()
        done = subprocess.run(command, env=environment, stdout=file, stderr=subprocess.STDOUT, check=False)
    if done.returncode:
        lines = log.read_text(errors="replace").splitlines()
        errors = [line.strip() for line in lines if re.search(r"%Error|\berror\b:", line)] or lines[-1:]
        raise PointwiseError(f"the simulator of {top} could not be built: {errors[0]} (all of it in {log})")
