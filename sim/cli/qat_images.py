"""Training aware of quantisation on images in files."""

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from pointwise.hw.contract.errors import PointwiseError

from . import options, tell
from .qat_table import results_table

if TYPE_CHECKING:
    from pointwise.model.checkpoints import Checkpoint
    from pointwise.model.images.stream import Labelled
    from pointwise.model.qat import QatRecipe

HELD_OUT = 10
"""Of so many images one is held out, where nobody names others to measure on."""


def labelled_sets(
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


def on_images(
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
    console.print(results_table(path, {0: figures}, 0))
    tell.few(console, result.images)
