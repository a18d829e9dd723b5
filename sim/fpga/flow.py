"""A board and a core to a bitstream: the stages in order, with progress, and what comes of failed timing."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from pointwise.hw.boards.board import Board
from pointwise.hw.boards.system import System
from pointwise.hw.contract.config import CoreConfig
from pointwise.hw.contract.errors import PointwiseError
from pointwise.model.parallel import Executor
from pointwise.sim.build import locked

from .floorplan import floorplan
from .place import BITSTREAM, Placement, constraints_of, forget, pack, place
from .report import REPORT, make_report, save, show
from .synthesis import NETLIST, synthesise
from .tools import NEEDED, Tools


def build(
    board: Board,
    config: CoreConfig,
    folder: Path,
    *,
    clock_mhz: float,
    seeds: Sequence[int] = (1,),
    executor: Executor | None = None,
    native: bool = False,
    allow_failing_timing: bool = False,
    console: Console | None = None,
) -> Path | None:
    """Build a system for a board into ``folder``; returns the bitstream.

    The logs of all stages stay in the folder whatever becomes of the build, and ``report.json`` where it
    came as far as clocks, met or not. What an earlier build has left is not taken for one of this. Where the
    vendor's tools place and route (Xilinx), it ends with the netlist's figures and the vendor's script, and
    returns None.

    Args:
        board: what it is for. config: the core. clock_mhz: of the core.
        seeds: of the placement; the one with the fastest clocks is kept.
        executor: what tries them; one after the other here unless given.
        native: use the machine's own tools instead of the wheels.
        allow_failing_timing: pack a bitstream even where a clock was not reached.
        console: where progress and tables go.

    Raises:
        PointwiseError: a tool is missing or fails, the design does not fit, or a clock was not reached.
    """
    try:
        from pointwise.hw.boards.elaborate import elaborate
    except ModuleNotFoundError as error:
        raise PointwiseError(
            f"the Python package {error.name} is not installed, which systems for boards are made with; run "
            "make fpga"
        ) from error
    console, tools = console or Console(), Tools(native)
    for tool in NEEDED[board.family]:
        tools.command(tool)
    waits = f"another build is at work in {folder}; waiting for its end"
    with locked(folder, tell=lambda: console.print(waits, soft_wrap=True)):
        for left in (BITSTREAM, REPORT):
            (folder / left).unlink(missing_ok=True)
        columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
        with Progress(*columns, TextColumn("{task.fields[at]}"), console=console) as progress:
            run = _Run(tools, folder, progress)
            with run.stage("elaborating"):
                run.system = elaborate(board, config, clock_mhz, folder)
            with run.stage("synthesis") as tell:
                run.seconds["synthesis"] = synthesise(run.system, tools, tell=tell)
            if board.family == "ecp5":
                run.place(seeds, executor)
            report = run.report()
            save(report, folder)
            if run.placements and (run.met or allow_failing_timing):
                with run.stage("packing") as tell:
                    report["bitstream"] = pack(run.system, tools, run.placements[0], tell=tell).name
                save(report, folder)
        forget(run.system)
    show(report, console)
    for seed, sentence in run.failures.items():
        console.print(f"seed {seed}: {sentence}", soft_wrap=True)
    console.print(f"{folder / REPORT}: the report; the logs are beside it", soft_wrap=True)
    if not run.placements:
        script = constraints_of(run.system).with_suffix(".tcl")
        console.print(f"{script}: the script for the vendor's place and route", soft_wrap=True)
        return None
    if not run.met:
        _complain(run.placements[0], run.system.clock_mhz, report["bitstream"])
    console.print(f"{folder / BITSTREAM}: the bitstream", soft_wrap=True)
    return folder / BITSTREAM


class _Run:
    """What the stages of one build leave for the next, and how far it is."""

    def __init__(self, tools: Tools, folder: Path, progress: Progress) -> None:
        self.tools, self.folder, self.progress = tools, folder, progress
        self.system: System
        self.netlist = NETLIST
        self.seconds: dict[str, float] = {}
        self.placements: list[Placement] = []
        self.failures: dict[int, str] = {}

    @property
    def met(self) -> bool:
        """Whether the best placement has all its clocks."""
        return bool(self.placements) and self.placements[0].margin >= 1

    @contextmanager
    def stage(self, name: str) -> Iterator[Callable[[str], None]]:
        """A line of the progress; gives what tells there what the stage is at."""
        if not self.progress.console.is_terminal:
            # No moving picture goes into a file; it is to tell all the same what is going on.
            self.progress.console.print(f"{name} (its log in {self.folder})", soft_wrap=True)
        task = self.progress.add_task(name, total=1, at="")
        yield lambda text: self.progress.update(task, at=text)
        self.progress.update(task, completed=1, at="")

    def place(self, seeds: Sequence[int], executor: Executor | None) -> None:
        """Sites for the macros, then place and route with every seed."""
        with self.stage("floorplan"):
            netlist = floorplan(self.system)
            self.netlist = netlist.name
        started = time.monotonic()
        with ExitStack() as stages:
            names = {seed: f"place and route, seed {seed}" for seed in seeds}
            tells = {seed: stages.enter_context(self.stage(name)) for seed, name in names.items()}
            self.placements, self.failures = place(
                self.system,
                netlist,
                self.tools,
                seeds,
                executor=executor,
                tell=lambda seed, text: tells[seed](text),
            )
        self.seconds["place and route"] = time.monotonic() - started

    def report(self) -> dict[str, Any]:
        """Of the build so far, without a bitstream."""
        return make_report(
            self.system, self.tools, self.seconds, self.netlist, self.placements, self.failures
        )


def _complain(best: Placement, clock_mhz: float, bitstream: str | None) -> None:
    """Raise the sentence about the clock, or the way between two, that was missed by most."""
    # A PLL makes a hundredth more at most than it is asked for.
    safe = int(clock_mhz * best.margin / 1.01)
    packed = "the bitstream is written all the same" if bitstream else "no bitstream is written"
    missed = [
        (
            clock["reached_mhz"] / clock["asked_mhz"],
            f"clock {name} reaches {clock['reached_mhz']:.1f} of {clock['asked_mhz']:.1f} MHz",
        )
        for name, clock in best.clocks.items()
    ] + [
        (way["allowed_ns"] / way["ns"], f"{name} takes {way['ns']:.1f} of {way['allowed_ns']:.1f} ns")
        for name, way in best.crossings.items()
    ]
    raise PointwiseError(
        f"timing is not met: {min(missed)[1]} with seed {best.seed}, and {packed}; try more seeds "
        f"(--seeds 8) or a slower clock (--clock {safe})"
    )
