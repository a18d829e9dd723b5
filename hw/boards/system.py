"""What elaborating a system leaves behind, without LiteX."""

import re
from dataclasses import dataclass
from pathlib import Path

from pointwise.hw.contract.config import CoreConfig
from pointwise.hw.contract.errors import PointwiseError

from .board import Board

TOP = "pointwise_soc"
HOST_FILE = "board.json"
COMMENT = re.compile(r"/\*.*?\*/|^//.*?$", re.DOTALL | re.MULTILINE)


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

    def texts(self) -> list[str]:
        """The Verilog without its comments: LiteX's hold the date, and what there is in any order.

        Raises:
            PointwiseError: a source cannot be read.
        """
        return [COMMENT.sub("", _read(source)) for source in self.verilog]


def _read(source: Path) -> str:
    try:
        return source.read_text()
    except OSError as error:
        raise PointwiseError(f"the Verilog source {source} cannot be read: {error.strerror}") from error
