"""``pointwise qat``."""

import dataclasses
import statistics
from base64 import b64decode
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from pointwise.hw.contract.errors import PointwiseError
from pointwise.hw.contract.files import write_file
from pointwise.sim.build import build_root

from . import options, tell

if TYPE_CHECKING:
    from pointwise.model.checkpoints import Checkpoint
    from pointwise.model.images.stream import Labelled
    from pointwise.model.parallel import Job
    from pointwise.model.qat import QatRecipe

HELD_OUT = 10
"""Of so many images one is held out, where nobody names others to measure on."""


def command(
    checkpoint: options.Checkpoint = None,
    heads: options.Heads = None,
    images: Annotated[
        Path | None, options.images("Images to train on, with their classes; digits unless given.")
    ] = None,
    validation: Annotated[
        Path | None,
        typer.Option(help="Images to measure on, in the same form; every tenth of the others unless given."),
    ] = None,
    count: Annotated[int, options.count("With --images: how many to measure the integers on.")] = 100,
    calibration: Annotated[
        int, typer.Option(min=1, help="With --images: how many to calibrate on, at random.")
    ] = 100,
    batch: Annotated[int, typer.Option(min=1, help="With --images: how many of a step.")] = 32,
    learning_rate: Annotated[float, typer.Option(help="With --images: the highest.")] = 1e-4,
    mirror: Annotated[bool, typer.Option(help="With --images: mirror half of them.")] = True,
    preprocess: options.Preprocess = None,
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
    """Train a network aware of its quantisation, on the digits or on your images, and write its integers.

    It starts from a trained checkpoint. What is measured are integers, on images that are held out. The same
    seed gives the same integers on the same machine. pointwise compile --network FILE makes a memory image.

    Images in files are streamed, and cut and mirrored at random, on a GPU where there is one; the best epoch
    is kept. An interrupted command goes on from its last epoch, and with --seeds with the seeds missing.
    """
    from pointwise.model import digits
    from pointwise.model.checkpoints import MICRO_DIGITS, load_checkpoint
    from pointwise.model.frontends import DeiTNetwork
    from pointwise.model.hub import name_of
    from pointwise.model.qat import QatRecipe
    from pointwise.model.qat.seeds import SeedTraining, training
    from pointwise.model.quantise.io import check_path

    console = Console(markup=False)
    if images is None and (preprocess, validation) != (None, None):
        raise PointwiseError("--preprocess and --validation go with images in files; give some with --images")
    if images is not None and (seeds > 1 or scheduler):
        raise PointwiseError("with --images one network is trained here; leave out --seeds and --scheduler")
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
    float_net = load_checkpoint(checkpoint or MICRO_DIGITS, heads=heads)
    start = "digits" if checkpoint is None else name_of(checkpoint)
    path = check_path(out or build_root() / f"{start}_w{weight_bits}.safetensors")
    path.parent.mkdir(parents=True, exist_ok=True)
    if images is not None:
        from pointwise.model.images.augment import Augmentation
        from pointwise.model.qat.stream import StreamRecipe

        stream = StreamRecipe(first, epochs or 10, batch, learning_rate, chance=Augmentation(mirror=mirror))
        recipe = dataclasses.replace(recipe, training=stream)
        sets = _sets(console, float_net, images, validation, preprocess)
        _on_images(console, float_net, recipe, sets, path, calibration, count, threads, workers)
        return
    source, data = DeiTNetwork.of(float_net, path.stem), digits.load()
    if seeds == 1 and not scheduler:
        results = {first: SeedTraining(source, data, recipe, threads)(first, console)}
    else:
        job = training(source, data, recipe, threads)
        results = _many(job, first, seeds, path, workers, scheduler, console)
    best = max(results, key=lambda seed: results[seed]["after"])
    write_file(path, b64decode(results[best]["network"]))
    console.print(_table(path, results, best))


def _sets(
    console: Console,
    weights: "Checkpoint",
    images: Path,
    validation: Path | None,
    preprocess: str | None,
) -> "tuple[Labelled, Labelled]":
    """Images to train on, and others that are held out, with what they show."""
    from pointwise.model.images.find import find_images
    from pointwise.model.images.stream import Labelled
    from pointwise.sim.pictures import preparation

    prepared = preparation(preprocess, weights)
    tell.preparation(console, prepared)
    found = find_images(images)
    if validation is None:
        held_out = dataclasses.replace(found, files=found.files[HELD_OUT - 1 :: HELD_OUT])
        kept = set(held_out.files)
        found = dataclasses.replace(found, files=tuple(file for file in found.files if file not in kept))
    else:
        held_out = find_images(validation)
    both = []
    for chosen, what in ((found, images), (held_out, validation or images)):
        labels = chosen.labels(weights.config.classes, weights.class_names) if len(chosen) else None
        if labels is None:
            raise PointwiseError(
                f"nobody says what the images of {what} show, or they are too few; give a folder for each "
                "class, or a list with classes"
            )
        both.append(Labelled(chosen, labels, prepared.preprocessing))
    return both[0], both[1]


def _on_images(
    console: Console,
    weights: "Checkpoint",
    recipe: "QatRecipe",
    sets: "tuple[Labelled, Labelled]",
    path: Path,
    calibration: int,
    count: int,
    threads: int,
    workers: int | None,
) -> None:
    """Train on images in files, and say what came of it."""
    from pointwise.model.frontends import DeiTNetwork
    from pointwise.model.images.stream import processes
    from pointwise.model.qat.pictures import train_on_pictures
    from pointwise.model.qat.seeds import zeros
    from pointwise.model.quantise import save_network
    from pointwise.sim.pictures import Preparation, noted

    train, held_out = sets
    with options.parts(console) as progress:
        result = train_on_pictures(
            DeiTNetwork.of(weights, path.stem),
            train,
            held_out,
            recipe,
            path.with_suffix(".training.pt"),
            calibration=calibration,
            measured=count,
            threads=threads,
            workers=processes(workers),
            step=options.bar(progress, "training, images"),
            epoch=lambda number, loss, accuracy: progress.console.print(
                f"epoch {number}: loss {loss:.3f}, {accuracy:.2f} % of the held-out images right"
            ),
        )
    network = noted(result.network, Preparation(train.preprocessing, "as in training"), weights.class_names)
    save_network(path, network)
    tell.unreadable(console, result.unreadable)
    figures = {"images": result.images, "float": result.float_right, "before": result.before}
    figures |= {"after": result.after, "zeros": zeros(network)}
    console.print(_table(path, {0: figures}, 0))
    tell.few(console, result.images)


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
