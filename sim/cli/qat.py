"""``pointwise qat``."""

import dataclasses
import statistics
from base64 import b64decode
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from pointwise.hw.contract.files import write_file
from pointwise.sim.build import build_root

from . import options

if TYPE_CHECKING:
    from pointwise.model.parallel import Job


def command(
    checkpoint: options.Checkpoint = None,
    weights: Annotated[
        str,
        typer.Option("--quantiser", help="Quantiser of weights: lsq, sawb, pact, minmax, or FILE.py:CLASS."),
    ] = "lsq",
    activations: Annotated[
        str, typer.Option(help="The same of activations; none calibrates them after training.")
    ] = "lsq",
    weight_bits: Annotated[int, typer.Option(help="Bits of a weight, 2 to 8.")] = 4,
    edge_bits: Annotated[
        int | None, typer.Option(help="Bits in the first and the last layer, if others than that.")
    ] = None,
    prune: Annotated[str | None, typer.Option(help="N:M, as 2:4: of M weights N are not zero.")] = None,
    epochs: Annotated[
        int | None, typer.Option(help="Passes over the training set, instead of the recipe's.")
    ] = None,
    seed: Annotated[
        int | None, typer.Option(min=0, max=options.MOST_SEED, help="Seed, instead of the recipe's.")
    ] = None,
    seeds: Annotated[
        int, typer.Option(min=1, help="Train from so many seeds; the best of them is kept.")
    ] = 1,
    threads: options.Threads = 1,
    workers: options.Workers = None,
    scheduler: options.Scheduler = None,
    out: Annotated[Path | None, typer.Option(help="Integer network to write (.safetensors).")] = None,
) -> None:
    """Train a network for the digits aware of its quantisation, and write its integers.

    It starts from a trained checkpoint. What is measured are integers, on images that are held out. The same
    seed gives the same integers on the same machine. pointwise compile --network FILE makes a memory image.
    With --seeds an interrupted command goes on with the seeds that are missing.
    """
    from pointwise.model.checkpoints import MICRO_DIGITS, load_checkpoint
    from pointwise.model.qat import QatRecipe
    from pointwise.model.qat.seeds import Trained, training
    from pointwise.model.quantise.io import check_path

    console = Console(markup=False)
    recipe = QatRecipe(
        weights=weights,
        activations=None if activations == "none" else activations,
        weight_bits=weight_bits,
        edge_bits=edge_bits,
        prune=prune,
    )
    if epochs is not None:
        recipe = dataclasses.replace(recipe, training=dataclasses.replace(recipe.training, epochs=epochs))
    first = recipe.training.seed if seed is None else seed
    float_net = load_checkpoint(checkpoint or MICRO_DIGITS)
    path = check_path(out or build_root() / f"digits_w{weight_bits}.safetensors")
    path.parent.mkdir(parents=True, exist_ok=True)
    if seeds == 1 and not scheduler:
        results = {first: Trained(float_net, recipe, path.stem, threads)(first, console)}
    else:
        results = _many(
            training(float_net, recipe, path.stem, threads), first, seeds, path, workers, scheduler, console
        )
    best = max(results, key=lambda seed: results[seed]["after"])
    write_file(path, b64decode(results[best]["network"]))
    console.print(_table(path, results, best))


def _many(
    job: "Job",
    first: int,
    seeds: int,
    path: Path,
    workers: int | None,
    scheduler: str | None,
    console: Console,
) -> dict[int, dict[str, Any]]:
    """Results by seed; what is done is kept beside the network to be written."""
    from pointwise.model.parallel import Record, complete, executor

    with (
        options.parts(console) as progress,
        Record(path.with_suffix(".seeds.jsonl"), job.name, job.digest) as record,
        executor(scheduler, workers, options.note(progress)) as workforce,
    ):
        results = complete(
            job,
            {str(seed): seed for seed in range(first, first + seeds)},
            record,
            workforce,
            progress=options.bar(progress, "seeds", workforce),
            arrived=lambda seed, result: progress.console.print(f"seed {seed}: {result['after']:.2f} %"),
        )
    return {int(seed): result for seed, result in results.items()}


def _table(path: Path, results: dict[int, dict[str, Any]], best: int) -> Table:
    chosen = results[best]
    table = Table(title=f"{path}", show_header=False, title_justify="left")
    table.add_column()
    table.add_column(justify="right")
    table.add_row("held-out images", str(chosen["images"]))
    table.add_row("top-1, float32 before", f"{chosen['float']:.2f} %")
    table.add_row("top-1, integers before training", f"{chosen['before']:.2f} %")
    table.add_row("top-1, integers after training", f"{chosen['after']:.2f} %")
    table.add_row("weights that are 0", f"{100 * chosen['zeros']:.1f} %")
    if len(results) > 1:
        after = [result["after"] for result in results.values()]
        table.add_section()
        table.add_row("seeds", f"{len(after)}, the best is {best}")
        table.add_row(
            "top-1 after training, mean", f"{statistics.mean(after):.2f} ± {statistics.stdev(after):.2f} %"
        )
        table.add_row("least and most", f"{min(after):.2f} to {max(after):.2f} %")
    return table
