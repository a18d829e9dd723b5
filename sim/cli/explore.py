"""``pointwise explore``."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from pointwise.hw.contract.errors import PointwiseError
from pointwise.sim.build import build_root

from . import options, tell
from .estimate import numbers
from .weights import Weights, with_weights

_SPACE = "Space (values with commas between)"


@with_weights
def command(
    weights: Weights,
    trial_count: Annotated[int, typer.Option("--trials", min=1, help="Trials of the study, in all.")] = 100,
    seed: Annotated[int, typer.Option(min=0, max=options.MOST_SEED, help="Of all choices.")] = 0,
    ahead: Annotated[
        int, typer.Option(min=1, help="Trials at a time; the choices depend on it, not on the workers.")
    ] = 16,
    study: Annotated[
        str | None,
        typer.Option(help="A file to keep the study in and go on from (.db: SQLite), or URL of a database."),
    ] = None,
    images: Annotated[
        Path | None,
        options.images("Images for the accuracy, and to calibrate on; digits or made-up ones unless given."),
    ] = None,
    count: Annotated[int, typer.Option(min=1, help="How many of them for the accuracy.")] = 4,
    calibration: Annotated[int, typer.Option(min=1, help="How many others of them to calibrate on.")] = 16,
    preprocess: options.Preprocess = None,
    latency: Annotated[int, typer.Option(help="Cycles from an AXI address to its first beat.")] = 40,
    stall: Annotated[int, typer.Option(help="Random stalls of the bus, % of the cycles.")] = 0,
    config: options.Config = None,
    rows: Annotated[
        str, typer.Option(help="R, input channels of a tile.", rich_help_panel=_SPACE)
    ] = "2,4,8,16,32",
    cols: Annotated[
        str, typer.Option(help="C, output channels of a tile.", rich_help_panel=_SPACE)
    ] = "2,4,8,16,32",
    halvings: Annotated[
        str, typer.Option(help="Times that the epilogue's lanes are halved.", rich_help_panel=_SPACE)
    ] = "0,1,2,3",
    act_kib: Annotated[
        str, typer.Option(help="int8 activation SRAM in KiB.", rich_help_panel=_SPACE)
    ] = "16,32,64,128,208,416",
    res_kib: Annotated[
        str, typer.Option(help="int16 residual SRAM in KiB.", rich_help_panel=_SPACE)
    ] = "8,16,32,80,160",
    axi_data_width: Annotated[
        str, typer.Option(help="Bits of the AXI4 data bus.", rich_help_panel=_SPACE)
    ] = "32,64,128,256",
    weight_bits: Annotated[
        str, typer.Option(help="Bits of the weights of each layer.", rich_help_panel=_SPACE)
    ] = "8,4,2",
    workers: options.Workers = None,
    scheduler: options.Scheduler = None,
    out: options.Out = None,
) -> None:
    """Search cores and bits of each layer for cycles, area and accuracy; show what nothing is better than.

    Cycles are estimated, the area is a model fitted to syntheses, the accuracy is the noise of the logits of
    the integers on some images. An interrupted study goes on where it was; the same seed gives the same.
    """
    from pointwise.model.estimate import Memory
    from pointwise.model.models.deit import deit_graph
    from pointwise.model.parallel import executor
    from pointwise.model.quantise.convert import layer_names
    from pointwise.sim.explore import files
    from pointwise.sim.explore.space import Space, weighted
    from pointwise.sim.explore.study import Study
    from pointwise.sim.explore.trial import Subject, trials
    from pointwise.sim.pictures import preparation
    from pointwise.sim.workload import calibration_and_images, load_weights

    if not 0 <= stall <= 90:
        raise PointwiseError(f"stalls in {stall} per cent of the cycles were asked for; give 0 to 90")
    console = Console(markup=False)
    name, loaded = load_weights(*weights)
    core = {
        option: tuple(numbers(option, text))
        for option, text in (
            ("rows", rows),
            ("cols", cols),
            ("act_kib", act_kib),
            ("res_kib", res_kib),
            ("axi_data_width", axi_data_width),
        )
    }
    space = Space(
        options.core_config(config),
        core,
        tuple(numbers("halvings", halvings)),
        tuple(numbers("weight_bits", weight_bits)),
        weighted(layer_names(deit_graph(loaded.config, loaded.state))),
    )
    pictures = None
    if images is not None:
        prepared = preparation(preprocess, loaded)
        pictures = images, prepared.preprocessing
        tell.preparation(console, prepared)
    seen, compared, unreadable = calibration_and_images(loaded.config, calibration, count, pictures)
    tell.unreadable(console, unreadable)
    subject = Subject(name, loaded.state, loaded.config, seen, compared, Memory(latency, stall / 100))
    folder = out or build_root() / f"explore-{name}"
    found = Study(
        study or str(folder / "study.journal"), space, trials(subject, space), seed=seed, ahead=ahead
    )
    with (
        options.parts(console) as progress,
        executor(scheduler, workers, options.note(progress)) as workforce,
    ):
        found.run(trial_count, workforce, options.bar(progress, "trials", workforce))
    console.print(files.table(found, name))
    failed = sum("reason" in result for _, _, result in found.results())
    console.print(
        f"{trial_count - failed} of {trial_count} trials fit; the study is {found.place}", soft_wrap=True
    )
    for path in files.write(found, name, folder):
        console.print(str(path), soft_wrap=True)
