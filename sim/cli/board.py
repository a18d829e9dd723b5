"""``pointwise board``."""

import enum
import os
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from pointwise.hw.contract.config import CoreConfig
from pointwise.hw.contract.errors import PointwiseError
from pointwise.sim.build import build_root

from . import options, tell


class Action(enum.StrEnum):
    """What to do with a board."""

    load = "load"
    run = "run"
    status = "status"
    simulate = "simulate"


def command(
    action: Annotated[
        Action,
        typer.Argument(
            help="load: bring up the SDRAM and send an image; run: send inputs and read logits; status: say "
            "what the core says; simulate: be a board, on a serial port of its own, until Ctrl-C."
        ),
    ],
    system: Annotated[
        Path | None, typer.Option(help="Folder of the bitstream, with board.json.", show_default=False)
    ] = None,
    uart: Annotated[
        str | None, typer.Option(help="Serial port of the board, such as /dev/ttyUSB0.", show_default=False)
    ] = None,
    server: Annotated[
        str | None, typer.Option(help="host:port of a litex_server instead.", show_default=False)
    ] = None,
    compiled: Annotated[
        Path | None, typer.Option(help="Folder that pointwise compile wrote.", show_default=False)
    ] = None,
    inputs: Annotated[
        list[Path] | None,
        typer.Option("--input", help="Input block to run; again for more. The image's own unless given."),
    ] = None,
    send: Annotated[
        bool, typer.Option(help="Send image and input; else they are there, as with simulate --compiled.")
    ] = True,
    timeout: Annotated[float, typer.Option(help="Seconds to wait for a result.")] = 10.0,
    config: options.Config = None,
) -> None:
    """Talk to a core on a board: load, run, status.

    Whatever is sent is read back and compared, and repeated where it was garbled; a board that does not
    answer is told in a sentence. pointwise board simulate is a board for those who have none: it prints the
    serial port and the folder that the other commands want.
    """
    console = Console(markup=False)
    if action is Action.simulate:
        _simulate(config, compiled, console)
        return
    from pointwise.sim.board.description import Description
    from pointwise.sim.board.device import Board
    from pointwise.sim.board.link import connect

    if system is None:
        raise PointwiseError("which system is on the board? Give --system with the folder of its bitstream")
    description = Description.read(system)
    board = Board(description, connect(description, uart, server))
    board.check_alive()
    if action is Action.status:
        table = Table(title=f"core on {description.board}", title_justify="left", show_header=False)
        for name, value in board.core.status().items():
            table.add_row(name, value)
        console.print(table)
        return
    from pointwise.sim.board.session import read_inputs, read_program, show

    if compiled is None:
        raise PointwiseError("which network? Give --compiled with the folder that pointwise compile wrote")
    program = read_program(compiled, description.core)
    if action is Action.load:
        board.bring_up(seconds=timeout)
        if not send:
            board.point_at(len(program.image))
            console.print(f"{program.name}: taken to be in the SDRAM; the core checks it when it starts")
            return
        seconds = board.seconds_to_load(program.image)
        console.print(
            f"{len(program.image):,} bytes take some {seconds:,.0f} s to send and to read back at "
            f"{description.baud:,} baud",
            soft_wrap=True,
        )
        with Progress(console=console, transient=True) as progress:
            told = options.bar(progress, "image") if console.is_terminal else tell.tenths(console, "image")
            board.load(program.image, told)
        console.print(
            f"{program.name}: {len(program.image):,} bytes are in the SDRAM and read back as they were sent, "
            f"{board.bus.faults} faults on the line",
            soft_wrap=True,
        )
        return
    for name, block in read_inputs(program, inputs):
        outcome, output = board.run(program.image, block, program.output_bytes, seconds=timeout, send=send)
        show(name, program, outcome, output, description.clock_hz, console)


def _simulate(config: str | None, image: Path | None, console: Console) -> None:
    """Run the simulated system until Ctrl-C, with image and input in its SDRAM if they are named."""
    from pointwise.sim.board.simulated import build_board, running

    core = options.core_config(config or "tiny")
    with _ended_by_signals(), tempfile.TemporaryDirectory() as folder:
        with console.status("system and simulator"):
            board = build_board(core)
        memory = None if image is None else _memory(image, core, Path(folder))
        with running(board, build_root() / f"board-{os.getpid()}.log", memory) as simulation:
            console.print(f"--system {board.description.parent} --uart {simulation.terminal}", soft_wrap=True)
            simulation.wait()


def _memory(image: Path, core: CoreConfig, folder: Path) -> Path:
    """A file with what lies in the SDRAM after the image and its own input were sent."""
    from pointwise.hw.contract.files import write_file
    from pointwise.sim.board.device import memory_of
    from pointwise.sim.board.session import read_inputs, read_program

    program = read_program(image, core)
    (_, block), *_ = read_inputs(program, None)
    memory = folder / "sdram.bin"
    write_file(memory, memory_of(program.image, block))
    return memory


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """SIGTERM interrupts as Ctrl-C does, and SIGINT even where a shell has its background jobs ignore it."""
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.signal(number, signal.default_int_handler) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
