"""``python -m pointwise.sim.mutation.netlist``: mutants of netlists of small units, tried with their benches.

Beside mutants of the sources (``campaign``): here Yosys' ``mutate`` inverts a bit of a port of a cell, ties
it to 0 or 1, or lets another bit invert it, in the RTL of the shape that the unit's tests come to last.
The mutant's Verilog takes the unit's place in the unit's own benches. What no bench notices Yosys tries to
prove equivalent.
"""

from __future__ import annotations

import json
import shutil
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from pointwise.hw.contract.files import write_file
from pointwise.model.parallel import Job, Local, Record, complete, digest_of
from pointwise.sim.bench import BenchFailure
from pointwise.sim.build import build_root
from pointwise.sim.fpga.tools import Tools
from pointwise.sim.version import version

from .netlist_benches import Call, caught
from .netlist_equivalents import reason
from .netlist_yosys import described, draw, mutated, prepare, proved

TESTS = Path("tests", "hw")
UNITS = (
    "engine/accumulator",
    "engine/denominator",
    "engine/issue",
    "engine/layernorm",
    "engine/prologue",
    "engine/requantise",
    "engine/row_max",
    "engine/table",
    "engine/tile_sequencer",
    "engine/token_sums",
)
"""Units, unless others are named: each a folder of ``TESTS`` and what its file of tests is called after."""
PATH = Path("docs", "results", "mutants", "netlists.json")
PATIENCE, STARTING = 4.0, 30.0
"""A mutant's benches may take so many times what the unit's took, and so many seconds more."""
WORDS = 100
"""Characters, at most, of what a bench says of a mutant."""
SECONDS = 40
"""Of a processor, that a proof may take."""


class Fate(StrEnum):
    """What became of a mutant."""

    KILLED = "killed"
    SLOW = "killed by time"
    EQUIVALENT = "equivalent"
    REASONED = "equivalent for a reason"
    SURVIVED = "survived"


@dataclass(frozen=True)
class Unit:
    """A unit that is ready to be mutated.

    Attributes:
        name: one of ``UNITS``. folder: with its netlist. calls: its benches, those of one netlist.
        seconds: that they took, all of them, on the netlist without a mutation.
    """

    name: str
    folder: Path
    calls: tuple[Call, ...]
    seconds: float

    @property
    def digest(self) -> str:
        """Of what is mutated, and by what."""
        return digest_of(self.calls[0].verilog, Tools().version("yosys"))[:12]


@dataclass(frozen=True)
class Part:
    """A mutation, a command of Yosys, of a unit; and the seconds that a proof may take."""

    unit: Unit
    mutation: str
    proof_seconds: int = SECONDS


@dataclass(frozen=True)
class Outcome:
    """One mutant tried.

    Attributes:
        unit: its name. mutation: the command of Yosys. change: the same in words. fate: a ``Fate``.
        why: what the bench said, how it was proved, or the reason; empty of what survived.
    """

    unit: str
    mutation: str
    change: str
    fate: str
    why: str


def ready(name: str, root: Path) -> Unit:
    """Learn a unit's benches, make its netlist, and run the benches on that.

    Raises:
        PointwiseError: as ``caught`` and ``prepare``. BenchFailure: the netlist is not the unit.
    """
    folder = root / name.replace("/", "_")
    place, _, stem = name.rpartition("/")
    found = caught(str(TESTS / place / f"test_{stem}.py"), folder)
    verilog = found[-1].verilog
    calls = tuple(call for call in found if call.verilog == verilog)
    prepare(verilog, folder)
    seconds = _benches(calls, mutated(folder, None, "unchanged"), lambda seconds: 300.0)
    return Unit(name, folder, calls, seconds)


def attempt(part: Part) -> Outcome:
    """Try one mutant."""
    unit, name = part.unit, digest_of(part.mutation)[:12]
    limit = STARTING + PATIENCE * unit.seconds

    def outcome(fate: Fate, why: str = "") -> Outcome:
        return Outcome(unit.name, part.mutation, described(part.mutation), fate, why)

    try:
        _benches(unit.calls, mutated(unit.folder, part.mutation, name), lambda spent: limit - spent)
    except BenchFailure as failure:
        _, why, *more = str(failure).splitlines()
        if why.startswith("stopped after"):
            return outcome(Fate.SLOW, why)
        said = (more or [why])[-1].removeprefix(f"{why.partition(':')[0]}: ").strip()
        return outcome(Fate.KILLED, f"{why.partition(':')[0]}: {said[:WORDS]}")
    proof = proved(unit.folder, part.mutation, name, part.proof_seconds)
    return outcome(Fate.SURVIVED) if proof is None else outcome(Fate.EQUIVALENT, proof)


def _benches(calls: Sequence[Call], verilog: str, limit: Callable[[float], float]) -> float:
    """Run benches until one fails, each with the limit for the seconds before it; return their seconds."""
    spent, simulators = 0.0, {}
    try:
        for call in calls:
            simulator = call.simulator(verilog)
            simulators[simulator.directory] = None
            started = time.monotonic()
            call.run(simulator, max(1.0, limit(spent)))
            spent += time.monotonic() - started
    finally:
        for folder in simulators:
            shutil.rmtree(folder, ignore_errors=True)
    return spent


class Campaign:
    """The function of parts."""

    def __call__(self, part: Part) -> dict[str, str]:
        return asdict(attempt(part))


def names(unit: Unit, drawn: Sequence[str], done: Mapping[str, dict[str, str]]) -> dict[str, Part]:
    """The parts of a unit by the names that their results are kept by: with a digest of the benches, so that
    what survived is tried anew where they have changed.

    Args:
        done: results of earlier runs.
    """
    benches = digest_of(
        [asdict(call) for call in unit.calls], *{Path(call.module).parent for call in unit.calls}
    )
    settled = {one["mutation"]: name for name, one in done.items() if one["fate"] != Fate.SURVIVED}
    return {
        settled.get(mutation, f"{mutation} with {benches[:12]}"): Part(unit, mutation) for mutation in drawn
    }


def campaign(unit: Unit, drawn: Sequence[str], workers: int, progress: Progress) -> list[dict[str, str]]:
    """Try the mutants of a unit that earlier runs did not."""
    task, job = progress.add_task(unit.name), Job("netlists", Campaign, unit.digest, programs=True)
    with Record(unit.folder / f"results-{unit.digest}.jsonl", job.name, job.digest) as record:
        found = complete(
            job,
            names(unit, drawn, record.done),
            record,
            Local(workers),
            progress=lambda done, total: progress.update(task, completed=done, total=total),
            arrived=partial(_tell, progress.console),
        )
    return list(found.values())


def save(path: Path, command: str, outcomes: Sequence[dict[str, str]]) -> None:
    """Write what became of the mutants, with the reasons that are known."""
    told: dict[str, object] = {"command": command, "commit": version(), "yosys": Tools().version("yosys")}
    told["mutants"] = [_with_reason(outcome) for outcome in outcomes]
    write_file(path, json.dumps(told, indent=1) + "\n")


def _with_reason(outcome: dict[str, str]) -> dict[str, str]:
    why = reason(outcome["unit"], outcome["change"]) if outcome["fate"] == Fate.SURVIVED else None
    return outcome if why is None else outcome | {"fate": Fate.REASONED, "why": why}


def main(
    units: Annotated[list[str] | None, typer.Argument(help="Units, such as engine/row_max.")] = None,
    count: Annotated[int, typer.Option(min=1, help="Mutants of each unit.")] = 10,
    seed: Annotated[int, typer.Option(min=0, help="Which ones.")] = 1,
    workers: Annotated[int, typer.Option(min=1, help="How many at a time.")] = 1,
    out: Annotated[Path, typer.Option(help="JSON file to write.")] = PATH,
) -> None:
    """Mutate the netlists of small units, and tell whether their benches notice.

    Interrupt it as you like: the same command goes on where it was.
    """
    console, root, outcomes = Console(markup=False), build_root() / "netlists", []
    with Progress(console=console) as progress:
        for name in progress.track(units or UNITS, description="units"):
            unit = ready(name, root)
            outcomes += campaign(unit, draw(unit.folder, count, seed), workers, progress)
            save(out, " ".join(["python -m pointwise.sim.mutation.netlist", *sys.argv[1:]]), outcomes)
    console.print(str(out), soft_wrap=True)


def _tell(console: Console, name: str, outcome: dict[str, str]) -> None:
    """Show what the benches did not notice."""
    if outcome["fate"] in (Fate.EQUIVALENT, Fate.SURVIVED):
        console.print(
            f"{outcome['unit']}: {outcome['change']}: {outcome['fate']} {outcome['why']}", soft_wrap=True
        )


if __name__ == "__main__":
    typer.run(main)
