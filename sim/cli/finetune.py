"""``pointwise finetune``."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from . import options, tell
from .weights import Heads


def command(
    checkpoint: Annotated[
        Path,
        typer.Option(
            help="Pre-trained weights: .safetensors, .pth, or a folder of Hugging Face's or timm's."
        ),
    ],
    images: Annotated[Path, options.images("Images to train on, with their classes.")],
    out: Annotated[Path, typer.Option(help="Checkpoint to write (.safetensors or .pth).")],
    validation: Annotated[Path | None, typer.Option(help="Images to measure on, in the same form.")] = None,
    epochs: Annotated[int, typer.Option(help="Passes over the images.")] = 100,
    batch: Annotated[int, typer.Option(help="Images of a step.")] = 16,
    learning_rate: Annotated[
        float, typer.Option(help="The highest; the paper's is 5e-4 · 16 / 64.")
    ] = 1.25e-4,
    seed: Annotated[
        int,
        typer.Option(min=0, max=options.MOST_SEED, help="Of the first weights and the order of the images."),
    ] = 0,
    heads: Heads = None,
    preprocess: options.Preprocess = None,
    workers: options.Workers = None,
    scheduler: options.Scheduler = None,
) -> None:
    """Train a new last layer on images of your own, with the recipe of the BPU paper.

    The backbone stays as it is. AdamW, three epochs of warm-up and a cosine, label smoothing 0.1. The new
    checkpoint knows the names of its classes and how images are prepared.
    """
    from pointwise.model.checkpoints import check_destination, load_checkpoint, save_checkpoint
    from pointwise.model.finetune import FinetuneRecipe, finetune
    from pointwise.model.images.find import find_images
    from pointwise.model.parallel import executor
    from pointwise.sim.pictures import preparation

    check_destination(out)
    recipe = FinetuneRecipe(seed=seed, epochs=epochs, batch=batch, learning_rate=learning_rate)
    console = Console(markup=False)
    with (
        options.parts(console) as progress,
        executor(scheduler, workers, options.note(progress)) as workforce,
    ):
        weights = load_checkpoint(checkpoint, heads=heads, backbone=True)
        prepared = preparation(preprocess, weights)
        tell.preparation(progress.console, prepared)
        result, unreadable = finetune(
            checkpoint,
            find_images(images),
            None if validation is None else find_images(validation),
            recipe=recipe,
            heads=heads,
            preprocessing=prepared.preprocessing,
            executor=workforce,
            reading=options.bar(progress, "backbone, images", workforce),
            training=options.bar(progress, "last layer, epochs"),
        )
    save_checkpoint(out, result)
    tell.unreadable(console, unreadable)
    measured = ", ".join(
        f"{name} {result.notes[f'{name}_accuracy']:.2f} %"
        for name in ("train", "validation")
        if f"{name}_accuracy" in result.notes
    )
    console.print(f"{out}: {result.config.classes} classes, {measured}", soft_wrap=True)
