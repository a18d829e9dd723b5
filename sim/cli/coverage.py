"""``pointwise coverage``."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from pointwise.hw.contract.errors import PointwiseError
from pointwise.sim.build import build_root

from . import options


def command(
    only: Annotated[
        list[str] | None,
        typer.Option(help="A part of names, such as deit or torchvision/; again for more. All unless given."),
    ] = None,
    workers: options.Workers = None,
    scheduler: options.Scheduler = None,
    results: Annotated[
        Path | None, typer.Option(help="File of results one by one, from which a run is resumed.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="JSON file to write.")] = None,
) -> None:
    """Try the architectures of timm and torchvision, with random weights.

    Transformers have two blocks, which the others are like. Of each: it loads, its logits are the library's
    to 1e-4 of the largest, it quantises, it compiles, and the emulator equals the integer model on every bit.
    What is refused is told with its sentence. Interrupt it as you like: the same command goes on where it
    was. make coverage installs the libraries.
    """
    from pointwise.model.coverage import catalogue, survey
    from pointwise.model.coverage.libraries import versions
    from pointwise.model.parallel import executor
    from pointwise.sim.reporting.coverage import COLUMNS, TOTALS, cells, refusals, save, totals

    console = Console(markup=False)
    entries = catalogue(only or ())
    with options.parts(console) as progress, executor(scheduler, workers, options.note(progress)) as force:
        rows = survey(
            entries,
            results or build_root() / "coverage.jsonl",
            force,
            options.bar(progress, "architectures", force),
            lambda row: progress.print(f"{row.key}: {row.refused or 'equal'}", soft_wrap=True),
        )
    console.print(options.filled_table(COLUMNS, map(cells, rows)))
    for key, sentence in refusals(rows):
        console.print(f"{key}: {sentence}", soft_wrap=True)
    console.print(options.filled_table(TOTALS, totals(rows)))
    if out is not None:
        told = " ".join(["pointwise coverage", *(f"--only {word}" for word in only or ())])
        save(out, versions(), told, rows)
        console.print(str(out), soft_wrap=True)
    if wrong := [row.key for row in rows if row.fault]:
        raise PointwiseError(f"of {', '.join(wrong)} something is wrong and was not refused; see above")
