"""A board and a core to a bitstream: the stages in order, with progress, and what comes of failed timing."""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from hw.boards.board import Board
from hw.contract.config import CoreConfig
from hw.contract.errors import PointwiseError

from .floorplan import floorplan
from .place import BITSTREAM, Placement, pack, place
from .report import make_report, save, show
from .synthesis import synthesise
from .tools import Tools


def build(
    board: Board,
    config: CoreConfig,
    folder: Path,
    *,
    clock_mhz: float,
    seeds: Sequence[int] = (1,),
    jobs: int = 1,
    native: bool = False,
    allow_failing_timing: bool = False,
    console: Console | None = None,
) -> Path | None:
    """Build a system for a board into ``folder``; returns the bitstream.

    ``report.json`` and the logs of all stages stay in the folder, whatever becomes of the build. Where the
    vendor's tools place and route (Xilinx), it ends with the netlist's figures and the vendor's script, and
    returns None.

    Args:
        board: what it is for. config: the core. clock_mhz: of the core.
        seeds: of the placement; the one with the fastest clocks is kept. jobs: how many are tried at a time.
        native: use the machine's own tools instead of the wheels.
        allow_failing_timing: pack a bitstream even where a clock was not reached.
        console: where progress and tables go.

    Raises:
        PointwiseError: a tool is missing or fails, the design does not fit, or a clock was not reached.
    """
    try:
        from hw.boards.elaborate import elaborate
    except ModuleNotFoundError as error:
        raise PointwiseError(
            f"the Python package {error.name} is not installed, which systems for boards are made with; run "
            "make fpga"
        ) from error
    console = console or Console()
    tools, seconds = Tools(native), {}
    # A bitstream of an earlier build must not pass for one of this.
    with suppress(FileNotFoundError):
        (folder / BITSTREAM).unlink()
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, TextColumn("{task.fields[at]}"), console=console) as progress:

        def stage(name: str) -> int:
            if not console.is_terminal:
                # No moving picture goes into a file; it is to tell all the same what is going on.
                console.print(f"{name} (its log in {folder})", soft_wrap=True)
            return progress.add_task(name, total=1, at="")

        def done(task: int) -> None:
            progress.update(task, completed=1, at="")

        task = stage("elaborating")
        system = elaborate(board, config, clock_mhz, folder)
        done(task)
        task = stage("synthesis")
        seconds["synthesis"] = synthesise(system, tools, tell=lambda text: progress.update(task, at=text))
        done(task)
        placements: list[Placement] = []
        if board.family == "ecp5":
            task = stage("floorplan")
            netlist = floorplan(system)
            done(task)
            tasks = {seed: stage(f"place and route, seed {seed}") for seed in seeds}
            placements = place(
                system,
                netlist,
                tools,
                seeds,
                jobs=jobs,
                tell=lambda seed, text: progress.update(tasks[seed], at=text),
            )
            seconds["place and route"] = placements[0].seconds
            for task in tasks.values():
                done(task)
        met = bool(placements) and placements[0].margin >= 1
        bitstream = None
        if placements and (met or allow_failing_timing):
            task = stage("packing")
            bitstream = pack(system, tools, placements[0], tell=lambda text: None)
            done(task)
    for placement in placements:
        placement.configuration.unlink(missing_ok=True)
    report = make_report(system, tools, seconds, placements, bitstream)
    path = save(report, system.folder)
    show(report, console)
    console.print(f"{path}: the report; the logs are beside it", soft_wrap=True)
    if not placements:
        script = system.constraints.with_suffix(".tcl")
        console.print(f"{script}: the script for the vendor's place and route", soft_wrap=True)
        return None
    if not met:
        _complain(placements[0], clock_mhz, bitstream)
    console.print(f"{bitstream}: the bitstream", soft_wrap=True)
    return bitstream


def _complain(best: Placement, clock_mhz: float, bitstream: Path | None) -> None:
    """Raise the sentence about the clock, or the way between two, that was missed by most."""
    safe = int(clock_mhz * best.margin)
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
