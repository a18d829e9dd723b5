"""``pointwise ablation``."""

import sys
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from pointwise.hw.contract.errors import PointwiseError
from pointwise.sim.build import build_root

from . import options, tell
from .weights import Weights, with_weights

if TYPE_CHECKING:
    import numpy as np

    from pointwise.model.checkpoints import Checkpoint


@with_weights
def command(
    weights: Weights,
    images: Annotated[
        Path | None,
        options.images("Images to calibrate on and to compare on; digits or made-up ones unless given."),
    ] = None,
    count: Annotated[int, typer.Option(min=1, help="How many of them to compare on.")] = 16,
    calibration: Annotated[int, typer.Option(min=1, help="How many others of them to calibrate on.")] = 16,
    preprocess: options.Preprocess = None,
    real: Annotated[
        bool,
        typer.Option(
            help="The trained network and the crops of pointwise accuracy; make real installs them."
        ),
    ] = False,
    beside: Annotated[bool, typer.Option(help="Try the alternatives to the default too.")] = False,
    workers: options.Workers = None,
    scheduler: options.Scheduler = None,
    out: Annotated[Path | None, typer.Option(help="JSON file to write, and to go on from.")] = None,
) -> None:
    """Quantise with one method more at a time, from min–max to the default, and tell what each buys.

    The file is written after each method; an interrupted run goes on from it.
    """
    from pointwise.model.frontends import DeiTNetwork
    from pointwise.model.graph import Graph
    from pointwise.model.measure.ablation import Ablation, recipes
    from pointwise.model.models.made_up import PICTURES, made_up, made_up_images
    from pointwise.model.parallel import Job, code_digest, executor, goes_on
    from pointwise.model.parallel import digest_of as digested
    from pointwise.sim.pictures import preparation
    from pointwise.sim.reporting.methods import Settings, digest_of, load, save, table
    from pointwise.sim.workload import CALIBRATION_SEED, calibration_and_images, load_weights, of_digits

    console = Console(markup=False)
    pictured = weights.model if weights.model in PICTURES and not real else None
    if pictured is not None:
        if not weights.alone or (images, preprocess) != (None, None):
            raise PointwiseError(
                f"{pictured} has weights and images that are made up; leave out --checkpoint, --heads, "
                "--images and --preprocess"
            )
        name, drawn = pictured, made_up(pictured)
        made = made_up_images(drawn, calibration + count, CALIBRATION_SEED).numpy()
        calibrated, compared = made[:calibration], made[calibration:]
        loaded, origin = drawn.graph, "made-up images"
    elif real:
        named = weights.named or images is not None
        name, loaded, calibrated, compared = _real((calibration, count), named)
        origin = "crops of photographs"
    else:
        name, loaded = load_weights(*weights)
        files, origin = (
            None,
            "digits" if of_digits(loaded.config) else "made-up images: give your own with --images",
        )
        if images is not None:
            prepared = preparation(preprocess, loaded)
            files, origin = (images, prepared.preprocessing), f"images of {images}"
            tell.preparation(console, prepared)
        calibrated, compared, unreadable = calibration_and_images(loaded.config, calibration, count, files)
        tell.unreadable(console, unreadable)
    console.print(
        f"{len(calibrated)} to calibrate on and {len(compared)} to compare on of {origin}", soft_wrap=True
    )
    path = out or build_root() / f"methods-{name}.json"
    told, digest = " ".join(["pointwise", *sys.argv[1:]]), digest_of(loaded, calibrated, compared)
    settings = Settings(name, len(calibrated), len(compared), told, digest)
    wanted = recipes(beside, convolutional=pictured is not None)
    done = {attempt.method: attempt for attempt in load(path, settings, wanted)}
    missing = {method: (method, how) for method, how in wanted if method not in done}
    source = drawn if isinstance(loaded, Graph) else DeiTNetwork(loaded.config, loaded.state, "ablation")
    work = partial(Ablation, source, calibrated, compared)
    job = Job("ablation", work, digested(digest, code_digest()))
    with (
        options.parts(console) as progress,
        executor(scheduler, workers, options.note(progress)) as workforce,
    ):
        shown = options.bar(progress, "methods", workforce)
        shown(len(done), len(wanted))
        with (
            goes_on(lambda: len(done), len(wanted), "methods", path),
            closing(workforce.run(job, missing)) as results,
        ):
            for method, attempt in results:
                done[method] = attempt
                save(path, settings, [done[method] for method, _ in wanted if method in done])
                shown(len(done), len(wanted))
                progress.console.print(f"{attempt.sqnr_db:6.2f} dB  {attempt.method}")
    attempts = [done[method] for method, _ in wanted]
    console.print(table(settings, attempts))
    console.print(str(path), soft_wrap=True)


def _real(counts: tuple[int, int], named: bool) -> "tuple[str, Checkpoint, np.ndarray, np.ndarray]":
    """Name and weights of the trained network, and crops to calibrate and to compare on."""
    from pointwise.model.real.dinov2 import dinov2_small
    from pointwise.model.real.photographs import crops, photographs

    if named:
        raise PointwiseError("--real has weights and images of its own; leave out those that are given.")
    weights = dinov2_small()
    folder = build_root() / "real" / "seed1"
    return "dinov2_small", weights, *crops(weights.prepared, photographs(), counts, 1, folder)
