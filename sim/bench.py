"""Runs a cocotb test module on a simulator and raises what went wrong: the one way in for every test bench.

By convention the cocotb tests that ``tests/x/test_foo.py`` runs lie beside it in ``tests/x/bench_foo.py``,
and it says, for instance::

    from pointwise.sim.bench import bench

    def test_foo():
        bench([verilog], "foo", Path(__file__).with_name("bench_foo.py"), config={"lanes": 8})

``WAVES=1`` in the environment makes every bench write ``dump.fst`` (or ``.vcd``) and keep it.
"""

import functools
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from .build import Build, build, coverage_folder

PROJECT = Path(__file__).parents[1]
CONFIG_VARIABLE = "POINTWISE_BENCH_CONFIG"
COUNTS = "coverage.dat"
"""What a simulator that counts leaves in its folder."""
VIOLATION = re.compile(r"^AXI CHECK: (\S+) at cycle \d+: .*$", re.MULTILINE)
"""A line of the protocol checkers; group 1 is the rule."""


class BenchFailure(Exception):
    """A test bench did not pass. The text holds the messages of the failing tests and where the log lies."""


@dataclass(frozen=True)
class Outcome:
    """One cocotb test: its name, whether it passed, simulated time in ns, real time in s, why it failed."""

    name: str
    passed: bool
    simulated_ns: float
    seconds: float
    message: str


@dataclass(frozen=True)
class BenchResult:
    """A run that passed.

    Attributes:
        tests: the tests that ran, in order.
        log: everything that the simulator printed.
        violations: the rules that protocol checkers saw broken, in order (only with ``violations_allowed``).
        waves: the wave file, or None.
    """

    tests: tuple[Outcome, ...]
    log: str
    violations: tuple[str, ...]
    waves: Path | None


def bench(
    sources: Sequence[Path | str],
    top: str,
    test_module: Path | str,
    *,
    plusargs: Mapping[str, object] | None = None,
    config: Mapping[str, Any] | None = None,
    environment: Mapping[str, str] | None = None,
    testcase: str | None = None,
    seed: int = 1,
    timeout: float = 300.0,
    violations_allowed: bool = False,
    waves: bool | None = None,
    **options: Any,
) -> BenchResult:
    """Build (see ``sim.build.build``, which takes ``sources``, ``top`` and ``options``) and ``run``."""
    __tracebackhide__ = True
    waves = _waves_wanted() if waves is None else waves
    simulator = build(sources, top, waves=waves, **options)
    return run(
        simulator,
        test_module,
        plusargs=plusargs,
        config=config,
        environment=environment,
        testcase=testcase,
        seed=seed,
        timeout=timeout,
        violations_allowed=violations_allowed,
    )


def run(
    simulator: Build,
    test_module: Path | str,
    *,
    plusargs: Mapping[str, object] | None = None,
    config: Mapping[str, Any] | None = None,
    environment: Mapping[str, str] | None = None,
    testcase: str | None = None,
    seed: int = 1,
    timeout: float = 300.0,
    violations_allowed: bool = False,
    waves: bool = True,
) -> BenchResult:
    """Run the cocotb tests of a module.

    Args:
        simulator: from ``pointwise.sim.build.build``.
        test_module: the file of the cocotb tests, or a module's name.
        plusargs: ``{"latency": 20, "axi_check": "report", "allow_uninit": True}`` become ``+latency=20``,
            ``+axi_check=report`` and ``+allow_uninit``; False and None are left out.
        config: anything JSON can say; the tests get it from ``bench_config()``.
        environment: further environment variables for the tests.
        testcase: run only the tests whose name matches this regular expression.
        seed: of Python's ``random`` in the tests (cocotb prints it).
        timeout: seconds of real time after which the simulator is stopped and the bench fails.
        violations_allowed: do not fail for what protocol checkers report (with ``+axi_check=report``).
        waves: write them, if the simulator was built to.

    Raises:
        BenchFailure: if a test fails, none ran, the simulator ended early or took too long, or a protocol
            checker reported a violation. The folder of the run is kept, and named in the text.
    """
    __tracebackhide__ = True  # what matters to the reader of a failing test is the message
    runs = simulator.directory / "runs"
    runs.mkdir(exist_ok=True)
    stem = Path(test_module).stem if isinstance(test_module, Path) else test_module.rpartition(".")[2]
    directory = Path(tempfile.mkdtemp(prefix=f"{stem}-", dir=runs))
    variables = _cocotb_environment(simulator.top, test_module, directory, seed, testcase)
    variables |= {CONFIG_VARIABLE: json.dumps(config or {}), **(environment or {})}
    command = [str(simulator.executable), *_plusargs(plusargs or {})]
    writes = waves and simulator.waves is not None
    command += ["--trace"] if writes else []
    log = directory / "log.txt"
    in_time = _execute(command, variables, directory, log, timeout)
    _keep_counts(directory)
    text = log.read_text(errors="replace")
    outcomes = _outcomes(directory / "results.xml")
    violations = tuple(VIOLATION.findall(text))
    failed = [outcome for outcome in outcomes if not outcome.passed]
    bad_traffic = bool(violations) and not violations_allowed
    if not in_time or failed or not outcomes or bad_traffic:
        why = [] if in_time else [f"stopped after {timeout:g} s of real time"]
        why += [found[0] for found in VIOLATION.finditer(text)][:5] if bad_traffic else []
        why += [line for line in text.splitlines() if "%Fatal" in line or "%Error" in line][:3]
        why += [f"{outcome.name}: {outcome.message}" for outcome in failed]
        why += ["no test ran, or the simulator ended before cocotb did"] if not outcomes else []
        if not outcomes or not in_time:
            why += ["last lines of the log:", *text.splitlines()[-15:]]
        raise BenchFailure("\n".join([f"bench {stem} on {simulator.top} failed (see {log})", *why]))
    written = directory / simulator.waves if writes and simulator.waves else None
    if written is None:
        shutil.rmtree(directory, ignore_errors=True)
    else:
        print(f"waves of {stem} on {simulator.top}: {written}")
    return BenchResult(tuple(outcomes), text, violations, written)


def bench_config() -> dict[str, Any]:
    """Inside a cocotb test: the ``config`` that the bench was given."""
    return json.loads(os.environ.get(CONFIG_VARIABLE, "{}"))


def _waves_wanted() -> bool:
    return os.environ.get("WAVES", "0").lower() not in ("", "0", "no", "false", "off")


def _plusargs(plusargs: Mapping[str, object]) -> list[str]:
    given = {name: value for name, value in plusargs.items() if value is not False and value is not None}
    return [f"+{name}" if value is True else f"+{name}={value}" for name, value in given.items()]


def _cocotb_environment(
    top: str, test_module: Path | str, directory: Path, seed: int, testcase: str | None
) -> dict[str, str]:
    """The environment by which cocotb, inside the simulator, finds Python, the tests and where to report.

    `cocotb_tools.runner` sets the same, but for models that it has built itself (see ``build._compile``), and
    without a limit on their time.
    """
    path = [str(PROJECT), *sys.path]
    if isinstance(test_module, Path):
        path.insert(0, str(test_module.resolve().parent))
        test_module = test_module.stem
    environment = dict(os.environ)
    for name in ("COCOTB_TEST_FILTER", "COCOTB_TESTCASE", "PYTEST_CURRENT_TEST"):
        environment.pop(name, None)
    environment |= {
        "COCOTB_TOPLEVEL": top,
        "COCOTB_TEST_MODULES": test_module,
        "COCOTB_RESULTS_FILE": str(directory / "results.xml"),
        "COCOTB_RANDOM_SEED": str(seed),
        "COCOTB_TRUST_INERTIAL_WRITES": "1",
        "COCOTB_ANSI_OUTPUT": "0",
        "TOPLEVEL_LANG": "verilog",
        "GPI_USERS": _gpi_users(),
        "PYGPI_PYTHON_BIN": sys.executable,
        "PYTHONPATH": os.pathsep.join(path),
    }
    if testcase is not None:
        environment["COCOTB_TEST_FILTER"] = testcase
    return environment


@functools.cache
def _gpi_users() -> str:
    """What the simulator loads to get cocotb: the library of this Python, then cocotb's entry point."""
    import cocotb_tools.config
    import find_libpython

    library = find_libpython.find_libpython()
    if library is None:
        raise BenchFailure("this Python has no shared library, which cocotb needs; use one built with it")
    return f"{library};{cocotb_tools.config.pygpi_entry_point()}"


def _execute(
    command: Sequence[str], environment: Mapping[str, str], directory: Path, log: Path, timeout: float
) -> bool:
    """Run the simulator with its output in ``log``; False if it had to be stopped."""
    with log.open("w") as file:
        process = subprocess.Popen(
            command,
            cwd=directory,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            process.wait(timeout)
            return True
        except subprocess.TimeoutExpired:
            return False
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def _keep_counts(directory: Path) -> None:
    """Put what the simulator counted where ``build.COVERAGE`` says."""
    folder, counted = coverage_folder(), directory / COUNTS
    if folder is not None and counted.exists():
        folder.mkdir(parents=True, exist_ok=True)
        shutil.move(counted, folder / f"{directory.parents[1].name}-{directory.name}.dat")


def _outcomes(results: Path) -> list[Outcome]:
    """The tests that cocotb reports; none when the simulator died before it could."""
    try:
        cases = ElementTree.parse(results).getroot().iter("testcase")
    except (OSError, ElementTree.ParseError):
        return []
    outcomes = []
    for case in cases:
        if case.find("skipped") is not None:
            continue
        bad = case.find("failure") if case.find("failure") is not None else case.find("error")
        properties = {entry.get("name"): entry.get("value") for entry in case.iter("property")}
        message = "" if bad is None else (bad.text or bad.get("message") or "failed").strip()
        outcomes.append(
            Outcome(
                name=case.get("name", "?"),
                passed=bad is None,
                simulated_ns=float(properties.get("sim_time_duration") or 0.0),
                seconds=float(case.get("time") or 0.0),
                message=message,
            )
        )
    return outcomes
