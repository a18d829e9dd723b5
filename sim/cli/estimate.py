"""``pointwise estimate``."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from pointwise.hw.contract.config import CoreConfig
from pointwise.hw.contract.errors import PointwiseError

from . import options
from .options import Config, core_config
from .weights import Model

if TYPE_CHECKING:
    from pointwise.model.graph import Graph
    from pointwise.sim.estimate.sweep import Point

_SHAPE = "Core (each one number, or with --sweep several: 8,16,32)"
_MEMORY = "Memory (likewise)"

AXES = (
    "rows",
    "cols",
    "post_lanes",
    "max_tokens",
    "act_kib",
    "act_banks",
    "res_kib",
    "axi_data_width",
    "axi_burst",
)
"""Parameters of the core that have an option, in the order in which a sweep nests them."""
DEFAULT_SWEEP = {"rows": "8,16,32", "cols": "8,16,32", "axi_data_width": "64,128,256"}
"""What is swept where no option names several values."""


def command(
    model: Model = None,
    network: Annotated[
        Path | None,
        typer.Option(help="An integer network (.safetensors) in place of a model without weights."),
    ] = None,
    clock: Annotated[float, typer.Option(help="Clock frequency in MHz, for times.")] = 100.0,
    sweep: Annotated[
        bool, typer.Option("--sweep", help="Estimate all combinations of the values given.")
    ] = False,
    out: Annotated[Path | None, typer.Option(help="Folder for the files of a sweep.")] = None,
    config: Config = None,
    rows: Annotated[
        str | None, typer.Option(help="R, input channels of a tile.", rich_help_panel=_SHAPE)
    ] = None,
    cols: Annotated[
        str | None, typer.Option(help="C, output channels of a tile.", rich_help_panel=_SHAPE)
    ] = None,
    post_lanes: Annotated[
        str | None, typer.Option(help="Epilogue lanes; 0 for the widest.", rich_help_panel=_SHAPE)
    ] = None,
    max_tokens: Annotated[
        str | None, typer.Option(help="The most tokens of a convolution.", rich_help_panel=_SHAPE)
    ] = None,
    act_kib: Annotated[
        str | None, typer.Option(help="int8 activation SRAM in KiB.", rich_help_panel=_SHAPE)
    ] = None,
    act_banks: Annotated[
        str | None, typer.Option(help="Banks of the activation SRAM.", rich_help_panel=_SHAPE)
    ] = None,
    res_kib: Annotated[
        str | None, typer.Option(help="int16 residual SRAM in KiB.", rich_help_panel=_SHAPE)
    ] = None,
    axi_data_width: Annotated[
        str | None, typer.Option(help="Bits of the AXI4 data bus.", rich_help_panel=_SHAPE)
    ] = None,
    axi_burst: Annotated[
        str | None, typer.Option(help="The longest AXI4 burst in beats.", rich_help_panel=_SHAPE)
    ] = None,
    latency: Annotated[
        str, typer.Option(help="Cycles from an AXI address to its first beat.", rich_help_panel=_MEMORY)
    ] = "40",
    stall: Annotated[
        str,
        typer.Option(help="Random stalls of the bus, in per cent of the cycles.", rich_help_panel=_MEMORY),
    ] = "0",
    workers: options.Workers = None,
) -> None:
    """Estimate cycles, utilisation, time and memory of a network on a core, without simulating.

    The program is the compiler's, for the dimensions of the model alone: no weights are needed, and channel
    shifts are taken to be everywhere; --network is exact in this. Where neither --config nor a memory is
    given and the network does not fit the default ones, larger ones are taken, which is said.

    With --sweep a table, a CSV, a JSON file and a figure compare all combinations; configurations that the
    network does not fit say why. Lines come as they are known; after an interruption the same command goes
    on.
    """
    if not 0 < clock <= 100_000:
        raise PointwiseError(f"a clock of {clock:g} MHz was asked for; give a frequency above 0, such as 100")
    texts = dict(
        zip(
            AXES,
            (rows, cols, post_lanes, max_tokens, act_kib, act_banks, res_kib, axi_data_width, axi_burst),
            strict=True,
        )
    )
    cores = {name: numbers(name, text) for name, text in texts.items() if text is not None}
    memories = {"latency": numbers("latency", latency), "stall": numbers("stall", stall)}
    several = [name for name, values in (cores | memories).items() if len(values) > 1]
    if several and not sweep:
        name = several[0]
        count = len((cores | memories)[name])
        raise PointwiseError(f"--{name.replace('_', '-')} has {count} values; add --sweep to compare them")
    if sweep and not several:
        cores = {name: numbers(name, text) for name, text in DEFAULT_SWEEP.items()} | cores
    console = Console(markup=False)
    make = partial(_network, model or "micro", network)
    subject = make()
    if config is None and not {"act_kib", "res_kib"} & cores.keys():
        cores |= _memories(console, subject, cores)
    if sweep:
        _sweep(console, subject, make, config, cores, memories, clock, out, workers)
        return
    from pointwise.model.estimate import Memory, estimate
    from pointwise.sim.estimate import tables

    memory = Memory(memories["latency"][0], memories["stall"][0] / 100)
    core = core_config(config, **{name: values[0] for name, values in cores.items()})
    console.print(tables.table(estimate(subject, core, memory), clock))


def _network(model: str, path: Path | None) -> "Graph":
    """What is estimated."""
    if path is None:
        from pointwise.sim.weightless import named_weightless

        return named_weightless(model)
    from pointwise.model.quantise.io import load_network

    return load_network(path)


def _memories(console: Console, subject: "Graph", cores: Mapping[str, Sequence[int]]) -> dict[str, list[int]]:
    """The sizes of memories that fit where the default ones do not, which is said."""
    from pointwise.model.compiler.memory_sizing import roomy

    default, most = CoreConfig(), {"act_kib": 0, "res_kib": 0}
    for height in cores.get("rows", [default.rows]):
        changes = {name: values[0] for name, values in cores.items()} | {"rows": height}
        # What there is no core of, or no network for, is said where it is estimated.
        with suppress(PointwiseError):
            found = roomy(subject, core_config(None, **changes))
            most = {name: max(size, getattr(found, name)) for name, size in most.items()}
    chosen = {name: [size] for name, size in most.items() if size > getattr(default, name)}
    if chosen:
        sizes = " and ".join(f"{name} = {sizes[0]}" for name, sizes in chosen.items())
        console.print(
            f"{subject.name} does not fit the default memories ({default.act_kib} and {default.res_kib} "
            f"KiB); taken: {sizes}, with which nothing waits in DRAM. --act-kib and --res-kib choose others.",
            soft_wrap=True,
        )
    return chosen


def _sweep(
    console: Console,
    subject: "Graph",
    make: "Callable[[], Graph]",
    config: str | None,
    cores: Mapping[str, Sequence[int]],
    memories: Mapping[str, Sequence[int]],
    clock: float,
    out: Path | None,
    workers: int | None,
) -> None:
    from pointwise.model.parallel import Record, complete, executor
    from pointwise.sim.build import build_root
    from pointwise.sim.estimate import tables
    from pointwise.sim.estimate.files import write
    from pointwise.sim.estimate.sweep import Sweep, job, reasons
    from pointwise.sim.locks import hold

    folder = out or build_root() / f"estimate-{subject.name}"
    hold(folder)
    sweep = Sweep(lambda changes: core_config(config, **changes), cores, memories)
    parts = sweep.parts()
    work = job(make, subject.name, parts)
    lines = tables.SweepTable(sweep.values, clock)
    console.print(f"{subject.name}, estimated at {clock:g} MHz")
    for line in lines.header():
        console.print(line, soft_wrap=True)
    with (
        options.parts(console) as progress,
        Record(folder / f"sweep-{work.digest[:12]}.jsonl", work.name, work.digest) as record,
        executor(None, workers) as workforce,
    ):
        shown: list[Point] = []

        def arrived(part: str, results: list[dict]) -> None:
            sweep.arrived(part, results, subject.name)
            while len(shown) in sweep.points:  # lines are in the order of the points
                shown.append(sweep.points[len(shown)])
                progress.print(lines.row(shown[-1]), soft_wrap=True)

        for part in parts.keys() & record.done.keys():
            arrived(part, record.done[part])
        bar = options.bar(progress, "cores", workforce)
        complete(work, parts, record, workforce, progress=bar, arrived=arrived)
    points = [sweep.points[number] for number in range(len(sweep.values))]
    for point in points[len(shown) :]:
        console.print(lines.row(point), soft_wrap=True)
    for reason in reasons(points):
        console.print(reason, soft_wrap=True)
    for path in write(points, subject.name, clock, folder):
        console.print(str(path), soft_wrap=True)


def numbers(name: str, text: str) -> list[int]:
    """The whole numbers of a comma-separated list, each once; raises PointwiseError that names the option."""
    try:
        values = [int(part) for part in text.split(",")]
    except ValueError:
        raise PointwiseError(
            f"--{name.replace('_', '-')} is {text!r}; expected a whole number, or several with commas between"
        ) from None
    return list(dict.fromkeys(values))
