"""The boards there are, without LiteX: what a command can offer before it imports that."""

from collections.abc import Iterable
from dataclasses import dataclass

from pointwise.hw.contract.errors import PointwiseError


@dataclass(frozen=True)
class Board:
    """A board that a system can be built for.

    Attributes:
        name: as it is written on the command line.
        title: as it is written for people.
        module: the module of this package with its function ``make``.
        family: of the FPGA, ``ecp5`` or ``xilinx7``; it decides which tools make the bitstream. ``none``
            where there is nothing to make one for.
        device: of the FPGA, in the words of these tools.
        preset: of ``pointwise.hw.contract.config.PRESETS``, the core that fits.
        clock_mhz: of the core and of everything around it, unless another is asked for.
        seed: of the placement that is tried first, one with which the preset reaches that clock.
        available: what the FPGA has of each kind of resource (``pointwise.sim.fpga.resources``).
    """

    name: str
    title: str
    module: str
    family: str
    device: tuple[str, ...]
    preset: str
    clock_mhz: float
    available: dict[str, int]
    seed: int = 1


BOARDS: dict[str, Board] = {
    board.name: board
    for board in (
        Board(
            name="ulx3s-85f",
            title="ULX3S, Lattice ECP5-85F, 32 MB SDRAM",
            module="ulx3s",
            family="ecp5",
            device=("--85k", "--package", "CABGA381", "--speed", "6"),
            preset="ecp5",
            clock_mhz=100.0,
            available={"lut_places": 83640, "flip_flops": 83640, "block_rams": 208, "multipliers": 156},
            seed=1,
        ),
        Board(
            name="xc7k70t",
            title="AliExpress XC7K70T, Xilinx Kintex-7, 16 MB SDRAM",
            module="xc7k70t",
            family="xilinx7",
            device=("xc7",),
            preset="ecp5",
            clock_mhz=100.0,
            available={"lut_places": 41000, "flip_flops": 82000, "block_rams": 135, "multipliers": 240},
        ),
        Board(
            name="simulation",
            title="plain pins, for a Verilog simulator",
            module="simulated",
            family="none",
            device=(),
            preset="ecp5",
            clock_mhz=100.0,
            available={},
        ),
    )
}


BUILDABLE = tuple(name for name, board in BOARDS.items() if board.family != "none")
"""The boards that a bitstream can be built for."""


def find_board(name: str, among: Iterable[str] = BOARDS) -> Board:
    """The board of that name; raises PointwiseError that lists those there are."""
    if name not in among:
        raise PointwiseError(f"board {name!r} is unknown; there are {', '.join(among)}")
    return BOARDS[name]
