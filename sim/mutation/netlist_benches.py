"""What the tests of a unit simulate, caught before it runs, so that it can run again on another netlist.

As a plugin of pytest (``-p pointwise.sim.mutation.netlist_benches``) it stands in place of
``pointwise.sim.bench.bench``: a test that calls it ends there, and what it was called with is a line of the
file that the variable ``POINTWISE_BENCHES`` names.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pointwise.hw.contract.errors import PointwiseError
from pointwise.sim import bench as benches
from pointwise.sim.build import Build, build
from pointwise.sim.docs.tree import ROOT

if TYPE_CHECKING:
    import pytest

VARIABLE = "POINTWISE_BENCHES"
RUNNING = ("plusargs", "config", "environment", "testcase", "seed", "violations_allowed")
"""What of a call is for the run; the rest is for the simulator."""
SECONDS = 600
"""That a unit's tests may take to say what they simulate."""


@dataclass(frozen=True)
class Call:
    """A call of ``pointwise.sim.bench.bench``.

    Attributes:
        verilog: the generated text that is simulated. others: files of Verilog around it, in their order.
        top, module: the top module, and the file of the cocotb tests.
        options: what else it was called with.
    """

    verilog: str
    others: tuple[str, ...]
    top: str
    module: str
    options: Mapping[str, Any] = field(default_factory=dict)

    def simulator(self, verilog: str) -> Build:
        """Compile the bench around another netlist of the unit."""
        known = {name: value for name, value in self.options.items() if name not in RUNNING}
        return build([verilog, *map(Path, self.others)], self.top, **known)

    def run(self, simulator: Build, limit: float) -> None:
        """Run the bench; raises BenchFailure as ``sim.bench.run``, and where it takes longer than ``limit``
        seconds."""
        known = {name: value for name, value in self.options.items() if name in RUNNING}
        benches.run(simulator, Path(self.module), timeout=limit, waves=False, **known)


def caught(tests: str, folder: Path) -> list[Call]:
    """The benches that a file of tests runs, in its order, without running them.

    Args:
        tests: the path of the file in the project. folder: for what is written.

    Raises:
        PointwiseError: a test fails before it comes to its bench, or there is no bench.
    """
    folder.mkdir(parents=True, exist_ok=True)
    told = folder / "benches.jsonl"
    told.unlink(missing_ok=True)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-n0", "-p", __name__, tests]
    environment = dict(os.environ) | {VARIABLE: str(told.resolve())}
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=SECONDS, check=False
    )
    if done.returncode or not told.exists():
        raise PointwiseError(
            f"The benches of {tests} cannot be learnt; each must be a call of pointwise.sim.bench.bench with "
            f"one generated text:\n{done.stdout[-2000:]}"
        )
    calls = [json.loads(line) for line in told.read_text().splitlines()]
    return [Call(**call | {"others": tuple(call["others"])}) for call in calls]


def note(
    sources: Sequence[Path | str], top: str, test_module: Path | str, **options: Any
) -> benches.BenchResult:
    """Takes the place of ``pointwise.sim.bench.bench``."""
    (verilog,) = (source for source in sources if isinstance(source, str))
    others = tuple(str(source) for source in sources if isinstance(source, Path))
    call = Call(verilog, others, top, str(test_module), options)
    with Path(os.environ[VARIABLE]).open("a") as file:
        file.write(json.dumps(asdict(call)) + "\n")
    return benches.BenchResult((), "", (), None)


def pytest_configure(config: pytest.Config) -> None:
    """Called before tests are imported, so that they import what takes notes."""
    if VARIABLE in os.environ:
        benches.bench = note  # pyright: ignore[reportAttributeAccessIssue]
