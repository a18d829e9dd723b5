"""``pointwise ablation``."""

import sys
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from hw.contract.errors import PointwiseError
from sim.build import build_root

from . import options

if TYPE_CHECKING:
    import numpy as np

    from model.networks import DeiTConfig


def command(
    model: options.Model = None,
    checkpoint: options.Checkpoint = None,
    heads: options.Heads = None,
    images: Annotated[int, typer.Option(help="Images to compare on.")] = 16,
    calibration: Annotated[int, typer.Option(help="Images to calibrate on.")] = 16,
    beside: Annotated[bool, typer.Option(help="Try the alternatives to the default too.")] = False,
    workers: options.Workers = None,
    scheduler: options.Scheduler = None,
    out: Annotated[Path | None, typer.Option(help="JSON file to write, and to go on from.")] = None,
) -> None:
    """Quantise with one method more at a time, from min–max to the default, and tell what each buys.

    Images are made up, or digits. The file is written after each method; an interrupted run goes on from it.
    """
    from model.measure.ablation import Ablation, recipes
    from model.parallel import Job, code_digest, executor, goes_on
    from model.parallel import digest_of as named
    from sim.reporting.methods import Settings, digest_of, load, save, table
    from sim.workload import load_weights

    console = Console(markup=False)
    name, weights = load_weights(model, checkpoint, heads)
    calibrated, compared = _images(weights.config, calibration, images)
    path = out or build_root() / f"methods-{name}.json"
    told, digest = " ".join(["pointwise", *sys.argv[1:]]), digest_of(weights, calibrated, compared)
    settings = Settings(name, len(calibrated), len(compared), told, digest)
    wanted = recipes(beside)
    done = {attempt.method: attempt for attempt in load(path, settings, wanted)}
    missing = {method: (method, how) for method, how in wanted if method not in done}
    work = partial(Ablation, weights.state, weights.config, calibrated, compared)
    job = Job("ablation", work, named(digest, code_digest()))
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


def _images(config: "DeiTConfig", calibration: int, images: int) -> tuple["np.ndarray", "np.ndarray"]:
    """Images to calibrate on, and others to compare on."""
    from model import digits
    from model.synthetic import synthetic_images
    from sim.workload import CALIBRATION_SEED, of_digits

    if min(calibration, images) < 1:
        raise PointwiseError("Give at least 1 image to calibrate on and 1 to compare on.")
    if of_digits(config):
        data = digits.load()
        return data.calibration.normalised()[:calibration], data.held_out.normalised()[:images]
    calibrated = synthetic_images(config, calibration, CALIBRATION_SEED).numpy()
    return calibrated, synthetic_images(config, images).numpy()
