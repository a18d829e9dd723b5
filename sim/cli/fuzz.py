"""``pointwise fuzz``."""

from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from hw.contract.errors import PointwiseError


def command(
    count: Annotated[int, typer.Option(help="Cases.", min=1)] = 100,
    seed: Annotated[int, typer.Option(help="First seed; case i has the seed that is i more.", min=0)] = 0,
    cores: Annotated[
        int, typer.Option(help="Different cores among the cases; each is compiled once.", min=1)
    ] = 10,
) -> None:
    """Run random networks on random cores with random bus stalls, and compare every tensor.

    Ends with a non-zero status if a case fails, with the command that repeats it.
    """
    from sim.bench import BenchFailure
    from sim.fuzz import run_case

    console = Console(markup=False)
    failed: list[int] = []
    tensors = cycles = 0
    with Progress(console=console) as progress:
        for case in progress.track(range(seed, seed + count), description="cases"):
            try:
                outcome = run_case(case, cores)
                tensors, cycles = tensors + outcome.tensors, cycles + outcome.cycles
                problem = str(outcome.mismatches[0]) if outcome.mismatches else None
            except (PointwiseError, BenchFailure) as error:
                problem = str(error)
            if problem:
                failed.append(case)
                console.print(f"seed {case}: {problem}", soft_wrap=True, style="red")
                console.print(
                    f"  repeat: pointwise fuzz --count 1 --seed {case} --cores {cores}", soft_wrap=True
                )
    console.print(f"{count - len(failed)} of {count} cases agree: {tensors:,} tensors, {cycles:,} cycles")
    if failed:
        raise PointwiseError(f"{len(failed)} of {count} cases failed, the first with seed {failed[0]}")
