"""``pointwise estimate``."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from pointwise.hw.contract.errors import PointwiseError

from .options import Config, Model, core_config

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
        Path | None, typer.Option(help="An integer network (.safetensors) in place of a model's outline.")
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
) -> None:
    """Estimate cycles, utilisation, time and memory of a network on a core, without simulating.

    The program is the compiler's, for the dimensions of the model alone: no weights are needed, and channel
    shifts are taken to be everywhere; --network is exact in this. With --sweep a table, a CSV, a JSON file
    and a figure compare all combinations; configurations that the network does not fit say why.
    """
    from pointwise.model.compiler.shapes import Shape
    from pointwise.model.estimate import Memory, estimate, outline
    from pointwise.model.networks import network as network_of
    from pointwise.sim.by_name import named_workload
    from pointwise.sim.estimate import tables
    from pointwise.sim.estimate.files import write
    from pointwise.sim.estimate.sweep import reasons
    from pointwise.sim.estimate.sweep import sweep as estimate_all

    if not 0 < clock <= 100_000:
        raise PointwiseError(f"a clock of {clock:g} MHz was asked for; give a frequency above 0, such as 100")
    texts = dict(
        zip(
            AXES,
            (rows, cols, post_lanes, max_tokens, act_kib, act_banks, res_kib, axi_data_width, axi_burst),
            strict=True,
        )
    )
    given = {name: numbers(name, text) for name, text in texts.items() if text is not None}
    memories = {"latency": numbers("latency", latency), "stall": numbers("stall", stall)}
    named = named_workload(model) if network is None else None
    if named is not None:
        subject = named.network
    elif network is None:
        name = model or "micro"
        subject = outline(Shape.of(network_of(name)), name)
    else:
        from pointwise.model.quantise.io import load_network

        subject = load_network(network)
    console = Console(markup=False)
    if not sweep:
        for name, values in (given | memories).items():
            if len(values) > 1:
                raise PointwiseError(
                    f"--{name.replace('_', '-')} has {len(values)} values; add --sweep to compare them"
                )
        core = core_config(config, **{name: values[0] for name, values in given.items()})
        memory = Memory(memories["latency"][0], memories["stall"][0] / 100)
        console.print(tables.table(estimate(subject, core, memory), clock))
        return
    if not any(len(values) > 1 for values in (given | memories).values()):
        given = {name: numbers(name, text) for name, text in DEFAULT_SWEEP.items()} | given
    from pointwise.sim.build import build_root
    from pointwise.sim.locks import hold

    folder = out or build_root() / f"estimate-{subject.name}"
    hold(folder)
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("estimates", total=None)

        def done(count: int, total: int) -> None:
            progress.update(task, completed=count, total=total)

        points = estimate_all(subject, lambda changes: core_config(config, **changes), given, memories, done)
    console.print(tables.sweep_table(points, subject.name, clock))
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
