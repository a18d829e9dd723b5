"""Training aware of quantisation on images in files."""

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from pointwise.hw.contract.errors import PointwiseError

from . import options, tell
from .qat_table import results_table

if TYPE_CHECKING:
    from pointwise.model.frontends import FloatNetwork
    from pointwise.model.images.stream import Labelled
    from pointwise.model.qat import QatRecipe
    from pointwise.sim.pictures import Preparation

HELD_OUT = 10
"""Of so many images one is held out, where nobody names others to measure on."""


@dataclasses.dataclass(frozen=True)
class Start:
    """A network that is trained on.

    Attributes:
        source: of real numbers. prepared: how its images are. classes: of its results, with their names
            where those are known.
    """

    source: "FloatNetwork"
    prepared: "Preparation"
    classes: int
    class_names: tuple[str, ...] | None


def start_of(checkpoint: Path | None, heads: int | None, preprocess: str | None, name: str) -> Start:
    """The network of a checkpoint, called ``name``; of digits, unless one is given.

    Raises:
        PointwiseError: it cannot be read, or what is asked for gives other images than it takes.
    """
    from pointwise.model.checkpoints import MICRO_DIGITS, load_checkpoint
    from pointwise.model.frontends import DeiTNetwork
    from pointwise.sim.convolutional import convolutional_checkpoint, preparation_of
    from pointwise.sim.pictures import preparation

    pictured = convolutional_checkpoint(None, checkpoint, heads)
    if pictured is not None:
        graph = dataclasses.replace(pictured.source.graph, name=name)
        classes = int(graph.values[graph.output].channels)
        prepared = preparation_of(pictured, preprocess)
        return Start(pictured.source.with_graph(graph), prepared, classes, pictured.class_names)
    weights = load_checkpoint(checkpoint or MICRO_DIGITS, heads=heads)
    prepared = preparation(preprocess, weights)
    return Start(DeiTNetwork.of(weights, name), prepared, weights.config.classes, weights.class_names)


def labelled_sets(
    console: Console, start: Start, images: Path, validation: Path | None
) -> "tuple[Labelled, Labelled]":
    """Images to train on, and others that are held out, with what they show."""
    from pointwise.model.images.find import find_images
    from pointwise.model.images.stream import Labelled

    tell.preparation(console, start.prepared)
    found = find_images(images)
    if validation is None:
        held_out = dataclasses.replace(found, files=found.files[HELD_OUT - 1 :: HELD_OUT])
        kept = set(held_out.files)
        found = dataclasses.replace(found, files=tuple(file for file in found.files if file not in kept))
    else:
        held_out = find_images(validation)
    both = []
    for chosen, what in ((found, images), (held_out, validation or images)):
        labels = chosen.labels(start.classes, start.class_names) if len(chosen) else None
        if labels is None:
            raise PointwiseError(
                f"nobody says what the images of {what} show, or they are too few; give a folder for each "
                "class, or a list with classes"
            )
        both.append(Labelled(chosen, labels, start.prepared.preprocessing))
    return both[0], both[1]


def on_images(
    console: Console,
    start: Start,
    recipe: "QatRecipe",
    sets: "tuple[Labelled, Labelled]",
    path: Path,
    calibration: int,
    count: int,
    threads: int,
    workers: int | None,
) -> None:
    """Train on images in files, and say what came of it."""
    from pointwise.model.images.stream import processes
    from pointwise.model.qat.pictures import train_on_pictures
    from pointwise.model.qat.seeds import zeros
    from pointwise.model.quantise import save_network
    from pointwise.sim.pictures import Preparation, noted

    train, held_out = sets
    with options.parts(console) as progress:
        result = train_on_pictures(
            start.source,
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
    network = noted(result.network, Preparation(train.preprocessing, "as in training"), start.class_names)
    save_network(path, network)
    tell.unreadable(console, result.unreadable)
    figures = {"images": result.images, "float": result.float_right, "before": result.before}
    figures |= {"after": result.after, "zeros": zeros(network)}
    console.print(results_table(path, {0: figures}, 0))
    tell.few(console, result.images)
