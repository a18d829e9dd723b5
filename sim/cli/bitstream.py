"""``pointwise bitstream``."""

import signal
from typing import Annotated

import typer
from rich.console import Console

from pointwise.hw.boards.board import BUILDABLE, find_board
from pointwise.sim.build import build_root
from pointwise.sim.locks import hold

from . import options


def command(
    board: Annotated[str, typer.Option(help=f"The board: {', '.join(BUILDABLE)}.")] = BUILDABLE[0],
    config: options.Config = None,
    clock: Annotated[float | None, typer.Option(help="MHz of the core instead of the board's own.")] = None,
    seed: Annotated[
        int | None, typer.Option(help="First seed of the placement instead of the board's own.")
    ] = None,
    seeds: Annotated[int, typer.Option(min=1, help="How many seeds to try; the best is kept.")] = 1,
    workers: Annotated[
        int | None,
        typer.Option(min=1, help="Seeds at a time; one a processor unless given.", show_default=False),
    ] = None,
    scheduler: options.Scheduler = None,
    native: Annotated[
        bool, typer.Option(help="Use yosys and nextpnr of this machine: faster, but of any version.")
    ] = False,
    allow_failing_timing: Annotated[
        bool, typer.Option(help="Write a bitstream even where a clock is not reached.")
    ] = False,
    out: options.Out = None,
) -> None:
    """Build a complete system for an FPGA board: core, SDRAM, and a UART bridge to the host.

    Logs of all stages, report.json with resources and clocks, and board.json for the host lie beside the
    bitstream. An interrupted build goes on with the seeds that are missing.
    """
    from pointwise.model.parallel import executor, processors
    from pointwise.sim.fpga.flow import build

    chosen = find_board(board, BUILDABLE)
    # So that the tools end with the command, whoever ends it.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    first = chosen.seed if seed is None else seed
    folder = out or build_root() / f"bitstream-{chosen.name}"
    hold(folder)
    console = Console(markup=False)
    # On a cluster it does not count how many processors there are here.
    here = None if scheduler and not workers else min(seeds, workers or processors())
    with executor(scheduler, here, lambda text: console.print(text, soft_wrap=True)) as workforce:
        build(
            chosen,
            options.core_config(config or chosen.preset),
            folder,
            clock_mhz=chosen.clock_mhz if clock is None else clock,
            seeds=range(first, first + seeds),
            executor=workforce,
            native=native,
            allow_failing_timing=allow_failing_timing,
            console=console,
        )
