"""``pointwise qat``."""

import dataclasses
from base64 import b64decode
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from pointwise.hw.contract.errors import PointwiseError
from pointwise.hw.contract.files import write_file
from pointwise.sim.build import build_root

from . import options
from .qat_images import labelled_sets, on_images, start_of
from .qat_table import results_table
from .weights import Checkpoint, Heads

if TYPE_CHECKING:
    from pointwise.model.fitting import TrainingRecipe
    from pointwise.model.frontends import FloatNetwork
    from pointwise.model.parallel import Job
    from pointwise.model.qat.seeds import Split

MICRO = "micro"


def command(
    model: Annotated[
        str | None,
        typer.Option(
            help="A trained network that ships: micro, resnet20 or mobilenet_v1_quarter.", show_default=False
        ),
    ] = None,
    checkpoint: Checkpoint = None,
    heads: Heads = None,
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
    activation_bits: Annotated[
        int, typer.Option(help="Bits of the results of functions (ReLU, GELU), 2 to 8; all others have 8.")
    ] = 8,
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
    """Train a network aware of its quantisation, on digits or on your images, and write its integers.

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
    from pointwise.model.qat.places import ACTIVATION_BITS
    from pointwise.model.qat.seeds import SeedTraining, training
    from pointwise.model.quantise.io import check_path
    from pointwise.sim.convolutional import convolutional_checkpoint

    console = Console(markup=False)
    if model is not None and (images, checkpoint) != (None, None):
        raise PointwiseError(f"{model} is trained on digits of its own; leave out --images and --checkpoint")
    if images is None and (preprocess, validation) != (None, None):
        raise PointwiseError("--preprocess and --validation go with images in files; give some with --images")
    if images is not None and (seeds > 1 or scheduler):
        raise PointwiseError("with --images one network is trained here; leave out --seeds and --scheduler")
    recipe = QatRecipe(
        weights=weights,
        activations=None if activations == "none" else activations,
        weight_bits=weight_bits,
        activation_bits=activation_bits,
        edge_bits=edge_bits,
        prune=prune,
    )
    widths = f"w{weight_bits}" if activation_bits == ACTIVATION_BITS else f"w{weight_bits}a{activation_bits}"
    start = model or ("digits" if checkpoint is None else name_of(checkpoint))
    path = check_path(out or build_root() / f"{start}_{widths}.safetensors")
    path.parent.mkdir(parents=True, exist_ok=True)
    shipped = None if model in (None, MICRO) else _shipped(str(model), path.stem)
    if shipped is not None:
        recipe = dataclasses.replace(recipe, training=shipped[2])
    if epochs is not None:
        recipe = dataclasses.replace(recipe, training=dataclasses.replace(recipe.training, epochs=epochs))
    first = recipe.training.seed if seed is None else seed
    if images is not None:
        from pointwise.model.images.augment import Augmentation
        from pointwise.model.qat.stream import StreamRecipe

        stream = StreamRecipe(first, epochs or 10, batch, learning_rate, chance=Augmentation(mirror=mirror))
        recipe = dataclasses.replace(recipe, training=stream)
        begun = start_of(checkpoint, heads, preprocess, path.stem)
        sets = labelled_sets(console, begun, images, validation)
        on_images(console, begun, recipe, sets, path, calibration, count, threads, workers)
        return
    if (found := convolutional_checkpoint(None, checkpoint, heads)) is not None:
        raise PointwiseError(
            f"{checkpoint} is of {found.layout}, which is trained on images in files; give some with --images"
        )
    source: FloatNetwork
    data: Split
    if shipped is None:
        micro = load_checkpoint(checkpoint or MICRO_DIGITS, heads=heads)
        source, data = DeiTNetwork.of(micro, path.stem), digits.load()
    else:
        source, data, _ = shipped
    if seeds == 1 and not scheduler:
        results = {first: SeedTraining(source, data, recipe, threads)(first, console)}
    else:
        job = training(source, data, recipe, threads)
        results = _many(job, first, seeds, path, workers, scheduler, console)
    best = max(results, key=lambda seed: results[seed]["after"])
    write_file(path, b64decode(results[best]["network"]))
    console.print(results_table(path, results, best))


def _shipped(name: str, stem: str) -> "tuple[FloatNetwork, Split, TrainingRecipe]":
    """A trained network of handwriting, called ``stem``, with its digits and how it is trained on.

    Raises:
        PointwiseError: there is none of that name.
    """
    from pointwise.model import handwriting
    from pointwise.model.train_pictures import TRAINABLE
    from pointwise.sim.trained import trained

    if name not in TRAINABLE:
        raise PointwiseError(
            f"there is no trained network {name} to go on from; choose {', '.join((MICRO, *TRAINABLE))}, or "
            "give weights of your own with --checkpoint"
        )
    found = trained(name)
    assert found is not None
    source = found.source.with_graph(dataclasses.replace(found.source.graph, name=stem))
    return source, handwriting.load(), TRAINABLE[name].aware


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
