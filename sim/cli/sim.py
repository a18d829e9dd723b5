"""``pointwise sim``."""

import sys
import time
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

import pointwise as pw
from pointwise.hw.contract.config import CoreConfig
from pointwise.hw.contract.errors import PointwiseError
from pointwise.sim.build import build_root
from pointwise.sim.locks import hold

from . import options, tell
from .options import core_name, with_core
from .weights import Weights, with_weights

if TYPE_CHECKING:
    from pointwise.sim.workload import Workload


@with_weights
@with_core
def command(
    core: CoreConfig,
    weights: Weights,
    network: Annotated[
        Path | None, typer.Option(help="Integers from pointwise quantise or qat, instead of quantising.")
    ] = None,
    images: Annotated[
        Path | None, options.images("Images to run; digits or made-up ones unless given.")
    ] = None,
    count: Annotated[
        int | None, options.count("How many images; 32 digits, or 1 of a large network, unless given.")
    ] = None,
    preprocess: options.Preprocess = None,
    trace: Annotated[bool, typer.Option(help="Store and compare every tensor of the first image.")] = True,
    stall: Annotated[int, typer.Option(help="Random stalls of every AXI channel, % of the cycles.")] = 0,
    latency: Annotated[
        int, typer.Option(min=1, max=100_000, help="Cycles from an AXI address to its first beat.")
    ] = 40,
    seed: Annotated[int, typer.Option(help="Seed of the random stalls.")] = 1,
    workers: Annotated[int | None, typer.Option(help="Simulators at a time on this machine.")] = None,
    scheduler: options.Scheduler = None,
    waves: Annotated[
        bool, typer.Option(help="Write the waves of one image, with views for GTKWave and Surfer (slow).")
    ] = False,
    out: options.Out = None,
) -> None:
    """Simulate a core on a network and compare every bit with the integer model.

    Writes report.json for programs, and report.html and run.png for people. Ends with a non-zero status if a
    single element differs.
    """
    started = time.monotonic()
    if not 0 <= stall <= 90:
        raise PointwiseError(f"stalls in {stall} per cent of the cycles were asked for; give 0 to 90")
    channels = {f"stall_{channel}": stall * 10 for channel in ("ar", "aw", "w", "r", "b")} if stall else {}
    console = Console(markup=False)
    columns = SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn()
    with (
        Progress(*columns, console=console, transient=not console.is_terminal) as progress,
        nullcontext() if console.is_terminal else tell.Beat(console) as beat,
    ):
        task = progress.add_task("loading", total=None)

        def step(text: str) -> None:
            progress.update(task, description=text)
            if beat:
                beat.begin(text)

        count = 1 if waves and count is None else count
        step("quantisation")
        from pointwise.model.parallel import executor

        name, workload, folder = _workload(console, core, weights, network, images, count, preprocess, out)
        step("simulator (compiled once for each core)")
        from pointwise.sim.system.testbench import build_core

        build_core(core, waves=waves)
        from pointwise.sim.reporting import folder as pages
        from pointwise.sim.reporting.layers import timeline_dict
        from pointwise.sim.reporting.summary import as_dict, table
        from pointwise.sim.simulate import SIMULATORS

        with executor(scheduler, workers or (None if scheduler else SIMULATORS), progress.print) as workforce:
            result = pw.simulate(
                workload.network,
                workload.images,
                workload.labels,
                name=name,
                source=workload.source,
                core=core,
                trace=trace,
                memory={"latency": latency, **channels},
                seed=seed,
                waves=waves,
                executor=workforce,
                results=folder,
                step=step,
            )
    timeline = timeline_dict(result.compiled.manifest, result.timeline)
    summary = as_dict(result, timeline, time.monotonic() - started)
    summary["command"] = " ".join(["pointwise", *sys.argv[1:]])
    report, *_, picture, page = pages.write(summary, timeline, result.compiled.manifest, folder)
    console.print(table(summary))
    shown = {"report": report, "picture": picture, "page": page}
    if result.waves:
        waved = result.waves
        shown |= {"waves": waved, "GTKWave": f"gtkwave {waved.with_suffix('.gtkw')}"}
        shown["Surfer"] = f"surfer --command-file {waved.with_suffix('.sucl')} {waved}"
    for name, what in shown.items():
        console.print(f"{name}: {what}", soft_wrap=True)
    if result.mismatches:
        for mismatch in result.mismatches[:10]:
            console.print(f"  {mismatch}", soft_wrap=True)
        raise PointwiseError(f"hardware and integer model differ: {result.mismatches[0]}")


def _workload(
    console: Console,
    core: CoreConfig,
    weights: Weights,
    network: Path | None,
    images: Path | None,
    count: int | None,
    preprocess: str | None,
    out: Path | None,
) -> "tuple[str, Workload, Path]":
    """The name of a run, what is run, and the folder for what is written, which is held."""
    from pointwise.sim.by_name import named_workload
    from pointwise.sim.convolutional import picture_run, pictured
    from pointwise.sim.integers import is_made_up, own_workload, quantised_of
    from pointwise.sim.pictures import preparation, read_pictures
    from pointwise.sim.workload import load_weights, of_digits, with_images

    own = None if network is None else own_workload(network, count)
    if own is not None and (weights.named or images is not None):
        raise PointwiseError(
            f"{network} is of a network without a checkpoint, which runs on made-up inputs; leave out "
            "--model, --checkpoint, --heads and --images"
        )
    if weights.alone and (network, images) == (None, None):
        own = named_workload(weights.model, count, note=console.print)
        if own is not None:
            folder = out or build_root() / f"sim-{own.name}-{core_name(core)}"
            hold(folder)
            return own.name, own, folder
    found = pictured(*weights, console.print)
    if found is not None:
        name = found.source.name if network is None else network.stem
        folder = out or build_root() / f"sim-{name}-{core_name(core)}"
        hold(folder)
        ran = picture_run(found, network, images, count or 1, preprocess)
        tell.preparation(console, ran.prepared)
        tell.unreadable(console, ran.unreadable)
        return name, ran.workload, folder
    name, loaded = load_weights(*weights)
    name = name if network is None else network.stem
    folder = out or build_root() / f"sim-{name}-{core_name(core)}"
    hold(folder)
    if own is not None:
        return name, own, folder
    count = count if count is not None else 32 if of_digits(loaded.config) else 1
    integers = quantised_of(network, name, loaded)
    tell.made_up(console, integers is None and is_made_up(weights.checkpoint, loaded))
    given = None
    if images is not None:
        prepared = preparation(preprocess, loaded, None if integers is None else integers.info)
        pictures = read_pictures(
            images,
            prepared.preprocessing,
            count,
            labels=lambda chosen: chosen.labels(loaded.config.classes, loaded.class_names),
        )
        given = pictures.pixels, pictures.labels
        tell.preparation(console, prepared)
        tell.unreadable(console, pictures.unreadable)
    return name, with_images(name, loaded, count, quantised=integers, given=given), folder
