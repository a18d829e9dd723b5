"""``pointwise evaluate``."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

import pointwise as pw
from pointwise.hw.contract.errors import PointwiseError
from pointwise.sim.build import build_root

from . import options, tell
from .weights import Weights, with_weights

if TYPE_CHECKING:
    from pointwise.model.models.recognise import Pictured
    from pointwise.sim.by_name import Named
    from pointwise.sim.workload import Workload

TOP = 5
"""Classes that count as right in the second line of the table."""


@with_weights
def command(
    weights: Weights,
    network: Annotated[
        Path | None,
        typer.Option(
            help="Integers from pointwise quantise or qat, instead of quantising; images in files need them."
        ),
    ] = None,
    images: Annotated[
        Path | None, options.images("Images to compare on; digits or made-up ones unless given.")
    ] = None,
    count: Annotated[
        int | None,
        options.count(
            "How many of them, of all classes; all in files, 360 digits or 4 made-up ones unless given."
        ),
    ] = None,
    preprocess: options.Preprocess = None,
    workers: options.Workers = None,
    scheduler: options.Scheduler = None,
    results: Annotated[
        Path | None, typer.Option(help="File of results image by image, from which a run is resumed.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Write the figures of the table as JSON too.")] = None,
) -> None:
    """Compare the float network with the integer model: top-1, top-5, agreement and noise of the logits.

    With images in files it runs in several processes, or on a cluster. Interrupt it as you like: the same
    command goes on where it was.
    """
    console = Console(markup=False)
    with options.parts(console) as progress:
        from pointwise.sim.convolutional import pictured

        # Without a file a network by name runs all the images that belong to it.
        alone = weights.alone and network is None and images is None
        found = None if alone else pictured(*weights, progress.print)
        if found is not None:
            _refuse(workers=workers, results=results)
            name, figures, unreadable = _pictured(found, network, images, count, preprocess, progress)
        elif images is None:
            _refuse(preprocess=preprocess, workers=workers, results=results)
            name, figures, unreadable = _arrays(weights, network, count, progress)
        else:
            if weights.checkpoint is None or network is None:
                raise PointwiseError(
                    "images in files need --checkpoint and --network; make the latter with "
                    f"pointwise quantise --checkpoint {weights.checkpoint or '…'} --images <training images>"
                )
            name, figures, unreadable = _files(
                weights,
                weights.checkpoint,
                network,
                images,
                count,
                preprocess,
                workers,
                scheduler,
                results,
                progress,
            )
    console.print(_table(name, figures))
    tell.few(console, figures["images"])
    tell.unreadable(console, unreadable)
    if out is not None:
        from pointwise.hw.contract.files import write_file

        write_file(out, json.dumps({"model": name, **figures}, indent=1) + "\n")


def _refuse(**given: object) -> None:
    """Digits and made-up images have nothing to do with these options, so nobody is to think they had."""
    odd = [f"--{name}" for name, value in given.items() if value is not None]
    if odd:
        raise PointwiseError(
            f"{' and '.join(odd)} go with images in files, but digits or made-up ones were asked for; give a "
            "folder or a list with --images, or leave these options out."
        )


def _arrays(
    weights: Weights,
    network: Path | None,
    count: int | None,
    progress: Progress,
) -> tuple[str, dict, tuple[str, ...]]:
    """Digits, or made-up images of which nobody knows what they show."""
    from pointwise.sim.integers import quantised_of
    from pointwise.sim.workload import load_weights, of_digits, with_images

    calibrated = options.bar(progress, "calibration")
    if weights.alone and network is None:
        from pointwise.sim.by_name import named_workload

        load = named_workload(weights.model, count, calibrated, progress.print, every=True)
        if load is not None:
            return load.name, _compared(load, progress), ()
    name, loaded = load_weights(*weights)
    if count is None:
        count = 360 if of_digits(loaded.config) else 4
    load = with_images(name, loaded, count, calibrated, quantised=quantised_of(network, name, loaded))
    return name, _compared(load, progress), ()


def _pictured(
    found: "Pictured | Named",
    network: Path | None,
    images: Path | None,
    count: int | None,
    preprocess: str | None,
    progress: Progress,
) -> tuple[str, dict, tuple[str, ...]]:
    """A convolutional network of a checkpoint, in this process."""
    from pointwise.sim.convolutional import picture_run

    if images is not None and network is None:
        raise PointwiseError(
            "images in files need --network too; make it with pointwise quantise --checkpoint … --images "
            "<training images>"
        )
    calibrated = options.bar(progress, "calibration")
    run = picture_run(found, network, images, count, preprocess, calibrated)
    tell.preparation(progress.console, run.prepared)
    return run.workload.name, _compared(run.workload, progress), run.unreadable


def _compared(load: "Workload", progress: Progress) -> dict:
    """Figures of both networks on the images."""
    assert load.source is not None  # the network of the weights
    shown = options.bar(progress, "images")
    result = pw.evaluate(load.network, load.source, load.images, load.labels, progress=shown)
    return _known(result.figures(), result.logits_float.shape[1])


def _files(
    weights: Weights,
    checkpoint: Path,
    network: Path,
    images: Path,
    count: int | None,
    preprocess: str | None,
    workers: int | None,
    scheduler: str | None,
    results: Path | None,
    progress: Progress,
) -> tuple[str, dict, tuple[str, ...]]:
    from pointwise.model.evaluate.images import evaluate_images
    from pointwise.model.images.find import find_images
    from pointwise.model.parallel import executor
    from pointwise.sim.integers import quantised_of
    from pointwise.sim.pictures import preparation
    from pointwise.sim.workload import load_weights

    name, loaded = load_weights(*weights)
    integers = quantised_of(network, name, loaded)
    prepared = preparation(preprocess, loaded, None if integers is None else integers.info)
    tell.preparation(progress.console, prepared)
    with executor(scheduler, workers, options.note(progress)) as workforce:
        result = evaluate_images(
            checkpoint,
            network,
            find_images(images).first(count),
            results or build_root() / f"evaluate-{name}.jsonl",
            heads=weights.heads,
            ema=weights.ema,
            preprocessing=prepared.preprocessing,
            executor=workforce,
            progress=options.bar(progress, "images", workforce),
        )
    return name, _known(result.to_dict(), loaded.config.classes), result.unreadable


def _known(figures: dict, classes: int) -> dict:
    """Figures without those that are the same for every network: of few classes, all are the first five."""
    few = ("top5_float", "top5_integer") if classes <= TOP else ()
    return {name: None if name in few else value for name, value in figures.items()}


def _table(name: str, figures: dict) -> Table:
    """As Table I of the BPU paper, with what it does not have: agreement and noise."""
    table = Table(title=f"{name}, {figures['images']:,} images", title_justify="left")
    for heading in ("", "float32", "integers", "difference"):
        table.add_column(heading, justify="right" if heading else "left")
    for top in ("top1", "top5"):
        before, after = figures[f"{top}_float"], figures[f"{top}_integer"]
        if before is not None:
            table.add_row(f"top-{top[-1]}", f"{before:.2f} %", f"{after:.2f} %", f"{after - before:+.2f}")
    if figures["agreement"] is not None:
        table.add_row("same class", "", f"{figures['agreement']:.2f} %", "")
    noise = "none" if figures["sqnr_db"] is None else f"{figures['sqnr_db']:.1f} dB"
    table.add_row("logits, signal to quantisation noise", "", noise, "")
    return table
