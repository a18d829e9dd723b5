"""``pointwise fuzz``."""

import time
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from pointwise.hw.contract.errors import PointwiseError
from pointwise.sim.build import build_root

from . import options


def command(
    count: Annotated[int, typer.Option("--cases", help="How many cases.", min=1)] = 100,
    hours: Annotated[
        float | None, typer.Option(help="Go on for so long, by --cases at a time.", min=0, show_default=False)
    ] = None,
    seed: Annotated[int, typer.Option(help="First seed; case i has the seed that is i more.", min=0)] = 0,
    cores: Annotated[
        int, typer.Option(help="Different cores among the cases; each is compiled once.", min=1)
    ] = 10,
    workers: options.Workers = None,
    scheduler: options.Scheduler = None,
    results: Annotated[
        Path | None, typer.Option(help="File of results case by case, from which a run is resumed.")
    ] = None,
    hostile: Annotated[
        bool,
        typer.Option("--hostile", help="Hostile images instead, on one core, and a real one after each."),
    ] = False,
    emulated: Annotated[
        int, typer.Option(help="With --hostile: so many more cases in the emulator.", min=0)
    ] = 0,
    out: Annotated[Path | None, typer.Option(help="With --hostile: a report, as JSON.")] = None,
) -> None:
    """Run random networks on random cores with random bus stalls, and compare every tensor.

    Of four cases one is a session of two networks on one core: they run in turn, and between runs there are
    clears, damaged images, errors of the bus, and resets in the middle.

    With --hostile: run images that are sealed and wrong, random programs and changed real ones. Each must
    end as it may, and touch nothing outside its windows; the next run must not notice.

    Ends with a non-zero status if a case fails, with the command that repeats it. Cases that agreed are not
    run again by the same code; others are.
    """
    if hostile:
        from pointwise.sim.hostile.fuzz import fuzz

        fuzz(count, emulated, seed, out)
        return
    from pointwise.model.parallel import Record, complete, executor
    from pointwise.sim.fuzz import cases, repeat

    console, job = Console(markup=False), cases(cores)
    path = results or build_root() / f"fuzz-{job.digest[:12]}.jsonl"
    end = time.monotonic() + 3600 * (hours or 0)
    outcomes: dict[str, dict] = {}

    def arrived(case: str, outcome: dict) -> None:
        if outcome["problem"]:
            console.print(f"seed {case}: {outcome['problem']}", soft_wrap=True, style="red")
            console.print(f"  repeat: {repeat(int(case), cores)}", soft_wrap=True)

    with (
        options.parts(console) as progress,
        Record(path, job.name, job.digest) as record,
        executor(scheduler, workers, options.note(progress)) as workforce,
    ):
        before = set(record.done)
        update = options.bar(progress, "cases", workforce)
        while not outcomes or time.monotonic() < end:
            first = seed + len(outcomes)
            earlier = len(outcomes)
            outcomes |= complete(
                job,
                {str(case): case for case in range(first, first + count)},
                record,
                workforce,
                progress=lambda done, total, earlier=earlier: update(earlier + done, earlier + total),
                arrived=arrived,
                final=lambda outcome: not outcome["problem"],
            )
    failed = [case for case, outcome in outcomes.items() if outcome["problem"]]
    tensors, cycles = (sum(outcome[key] for outcome in outcomes.values()) for key in ("tensors", "cycles"))
    known = len(outcomes.keys() & before)
    since = f", {known} of them before ({path})" if known else ""
    total = len(outcomes)
    console.print(
        f"{total - len(failed)} of {total} cases agree{since}: {tensors:,} tensors, {cycles:,} cycles",
        soft_wrap=True,
    )
    if failed:
        raise PointwiseError(f"{len(failed)} of {total} cases failed, the first with seed {failed[0]}")
