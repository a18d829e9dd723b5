"""``pointwise mutate``."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.syntax import Syntax

from pointwise.sim.build import build_root

from . import options

FOLDERS = ("hw", "model")
"""What is changed unless something is named."""


def command(
    folders: Annotated[
        list[str] | None,
        typer.Argument(help="Folders of sources, such as hw/engine; hw and model unless given."),
    ] = None,
    count: Annotated[
        int, typer.Option(min=1, help="How many mutants of each folder at the top: so many of hw, of model.")
    ] = 300,
    seed: Annotated[int, typer.Option(min=0, help="Which ones.")] = 1,
    seconds: Annotated[
        float,
        typer.Option(min=0, help="Of tests, without the mutant, that it is tried with."),
    ] = 60.0,
    again: Annotated[
        bool, typer.Option("--again", help="Try survivors again: after new tests, or with more seconds.")
    ] = False,
    workers: options.Workers = None,
    results: Annotated[
        Path | None, typer.Option(help="File of results one by one, from which a run is resumed.")
    ] = None,
    tests: Annotated[
        list[str] | None,
        typer.Option(help="A folder or file of tests to choose from; again for more. All unless given."),
    ] = None,
    survey: Annotated[
        Path | None,
        typer.Option(
            help="Folder that tells which tests run which line; made once, and good for later sources."
        ),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="JSON file to write.")] = None,
) -> None:
    """Change the sources one place at a time, and tell whether a test notices.

    Operators, numbers by one, signs, conditions, ranges, statements left out, a stage of delay more or less.
    Each mutant is tried in a copy of the project, with the tests that run its line, the nearest first, until
    one fails. Those that survive are shown. Interrupt it as you like: the same command goes on where it was.
    The first run begins with all tests, under coverage, to learn which of them run which line.
    """
    from pointwise.model.parallel import Local, Record, complete, digest_of, processors
    from pointwise.sim.docs.tree import ROOT
    from pointwise.sim.mutation.attempt import Verdict
    from pointwise.sim.mutation.campaign import campaign, names
    from pointwise.sim.mutation.parts import draw, part_of
    from pointwise.sim.mutation.survey import survey as surveyed
    from pointwise.sim.reporting.mutation import COLUMNS, rows, save, survivors
    from pointwise.sim.version import version

    console, wanted = Console(markup=False), folders or list(FOLDERS)
    tops = sorted({folder.partition("/")[0] for folder in wanted})
    root, code = build_root() / "mutate", digest_of(*(ROOT / top for top in tops))[:12]
    workforce = Local(workers or processors())
    drawn = draw(wanted, count, seed)
    with console.status("running all tests once, to learn which of them run which line"):
        found = surveyed(
            survey or root / f"survey-{code}", root / "survey", tests or (), workers=workforce.workers
        )
    with (
        options.parts(console) as progress,
        Record(results or root / f"results-{code}.jsonl", "mutate", code) as record,
    ):

        def arrived(name: str, outcome: dict) -> None:
            if not Verdict(outcome["verdict"]).noticed:
                progress.print(f"{outcome['verdict']}:\n{outcome['diff']}", soft_wrap=True)

        tried = names(drawn, record.done, digest_of(ROOT / "tests", seconds)[:12] if again else None)
        outcomes = complete(
            campaign(root, code),
            {name: part_of(mutant, found, seconds) for name, mutant in tried.items()},
            record,
            workforce,
            progress=options.bar(progress, "mutants", workforce),
            arrived=arrived,
        )
    found_out = list(outcomes.values())
    for outcome in survivors(found_out):
        console.print(f"{outcome['verdict']}:", soft_wrap=True)
        console.print(Syntax(outcome["diff"], "diff", background_color="default"))
    console.print(options.filled_table(COLUMNS, rows(found_out)))
    if out is not None:
        told = f"pointwise mutate {' '.join(wanted)} --count {count} --seed {seed} --seconds {seconds:g}"
        save(out, told, version(), found_out)
        console.print(str(out), soft_wrap=True)
