"""What elaborating a system leaves behind, without LiteX."""

from dataclasses import dataclass
from pathlib import Path

from hw.contract.config import CoreConfig

from .board import Board

TOP = "pointwise_soc"
HOST_FILE = "board.json"


@dataclass(frozen=True)
class System:
    """An elaborated system.

    Attributes:
        board: what it is for.
        config: its core.
        clock_mhz: of the core, as the PLL makes it.
        folder: where its files lie.
        gateware: the folder inside it with sources and constraints, in which the tools run.
        verilog: the sources, the top module ``TOP`` among them.
        constraints: pins and clocks, in the form of the FPGA's tools; none for a simulation.
        host: ``board.json``.
    """

    board: Board
    config: CoreConfig
    clock_mhz: float
    folder: Path
    gateware: Path
    verilog: tuple[Path, ...]
    constraints: Path | None
    host: Path
