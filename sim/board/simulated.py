"""A simulated board: Verilog of the whole system under Verilator, its serial line on a pseudo-terminal."""

import hashlib
import re
import select
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from pointwise.hw.boards.board import find_board
from pointwise.hw.contract.config import CoreConfig
from pointwise.hw.contract.errors import PointwiseError
from pointwise.sim.build import RTL, Build, build, build_root, locked

MAIN = Path(__file__).with_name("serial_line.cpp")
START_SECONDS = 60


@dataclass(frozen=True)
class SimulatedBoard:
    """A system that is compiled.

    Attributes:
        simulator: the program. description: its ``board.json``.
    """

    simulator: Build
    description: Path


def build_board(config: CoreConfig, clock_mhz: float = 100.0, *, optimise: str = "-O2") -> SimulatedBoard:
    """Elaborate the system with plain pins around a core and compile its simulator, or find it compiled.

    Args:
        clock_mhz: decides the SDRAM's timings in cycles.

    Raises:
        PointwiseError: LiteX is not installed, or the system cannot be built.
    """
    try:
        from pointwise.hw.boards.elaborate import elaborate
    except ModuleNotFoundError as error:
        raise PointwiseError(
            f"the Python package {error.name} is not installed, which systems for boards are made with; run "
            "make fpga"
        ) from error
    # A folder for each configuration, as whoever talks to a board that runs reads its description there.
    digest = hashlib.sha256(config.to_json().encode()).hexdigest()[:8]
    folder = build_root() / f"board-simulation-{config.rows}x{config.cols}-{clock_mhz:g}-{digest}"
    with locked(folder):
        system = elaborate(find_board("simulation"), config, clock_mhz, folder)
        # What LiteX comments changes from time to time, which would make every build a new one.
        sources = system.texts()
    simulator = build(
        [*sources, RTL / "sdram_chip.sv", RTL / "soc_tb.sv"],
        "soc_tb",
        name=f"board-{config.rows}x{config.cols}",
        parameters={"CLOCK_PS": round(1e6 / clock_mhz)},
        optimise=optimise,
        main=MAIN,
    )
    return SimulatedBoard(simulator, system.host)


@dataclass(frozen=True)
class Simulation:
    """A simulated board at work.

    Attributes:
        terminal: the name of its serial line. process: the simulator.
    """

    terminal: str
    process: subprocess.Popen[str]

    def wait(self) -> None:
        """Wait until it ends by itself, which no board should."""
        self.process.wait()


@contextmanager
def running(
    board: SimulatedBoard, log: Path, memory: Path | None = None, plusargs: Sequence[str] = ()
) -> Iterator[Simulation]:
    """Simulate for the length of a ``with`` statement.

    Args:
        log: gets what the simulation prints, the SDRAM chip's complaints and counts among it.
        memory: a file that lies in the SDRAM from the start. plusargs: further ones.

    Raises:
        PointwiseError: the simulation does not start, or ended early, as it does at a violation of the
            SDRAM's timing.
    """
    command = [str(board.simulator.executable)]
    command += [f"+sdram_image={memory.resolve()}"] if memory else []
    command += plusargs
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("w") as errors:
        # In a session of its own: Ctrl-C in a terminal is for us, who then close its standard input.
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            cwd=log.parent,
            start_new_session=True,
        )
        assert process.stdin is not None and process.stdout is not None  # pipes, as asked for
        early = False
        try:
            there, _, _ = select.select([process.stdout], [], [], START_SECONDS)
            terminal = process.stdout.readline().strip() if there else ""
            if not terminal.startswith("/dev/"):
                raise PointwiseError(f"the simulated board did not start; see {log}")
            yield Simulation(terminal, process)
        finally:
            with suppress(subprocess.TimeoutExpired):
                process.wait(timeout=0.5)
            early = process.poll() is not None
            process.stdin.close()
            try:
                rest = process.stdout.read()
                process.wait(timeout=START_SECONDS)
            finally:
                process.kill()
                process.wait()
            errors.write(rest)
            if early:
                said = next((line for line in rest.splitlines() if "SDRAM CHECK" in line), "it ended early")
                raise PointwiseError(f"the simulated board stopped: {said} (all it said is in {log})")


def statistics(log: Path) -> dict[str, int]:
    """What the SDRAM chip counted: cycles, activates, reads, writes, refreshes."""
    line = next((line for line in log.read_text().splitlines() if line.startswith("SDRAM: ")), "")
    return {name: int(number) for number, name in re.findall(r"(\d+) (\w+)", line)}
