"""From a board and a core to the files that synthesis and place and route start from."""

import contextlib
import importlib
import json
import logging
import math
import os
import re
import traceback
from pathlib import Path

from litex.soc.integration.builder import Builder

from pointwise.hw.contract.config import CoreConfig
from pointwise.hw.contract.errors import PointwiseError
from pointwise.hw.contract.files import write_file

from .board import Board
from .host import describe
from .soc import SDRAM_BASE, PointwiseSoC
from .system import HOST_FILE, TOP, System

CLOCKED = re.compile(r"/litex/soc/cores/clock/|/(?P<memory>litedram)/|/litex_boards/targets/")
"""Files of LiteX and LiteDRAM that fail with a clock that is too slow or too fast."""


def elaborate(board: Board, config: CoreConfig, clock_mhz: float, folder: Path) -> System:
    """Write Verilog, constraints and ``board.json`` of a system into ``folder``.

    LiteX's own account of it goes to ``elaborate.log`` there. For boards of Xilinx the script of the
    vendor's tool is written too.

    Raises:
        PointwiseError: neither PLL nor SDRAM can have that clock, the core cannot reach the SDRAM, or a file
            cannot be written.
    """
    if not (math.isfinite(clock_mhz) and clock_mhz > 0):
        raise PointwiseError(f"a clock of {clock_mhz:g} MHz is none; choose one such as {board.clock_mhz:g}")
    if config.axi_addr_width < SDRAM_BASE.bit_length():
        raise PointwiseError(
            f"the core has AXI addresses of {config.axi_addr_width} bits, but the SDRAM lies at "
            f"{SDRAM_BASE:#x}; give the core's axi_addr_width as 32"
        )
    folder = folder.resolve()
    gateware = folder / "gateware"
    gateware.mkdir(parents=True, exist_ok=True)
    maker = importlib.import_module(f"{__package__}.{board.module}")
    with _told_in(folder / "elaborate.log"):
        try:
            soc = maker.make(config, round(clock_mhz * 1e6), gateware)
            builder = Builder(soc, output_dir=str(folder), compile_software=False, compile_gateware=False)
            if board.family == "none":
                soc.finalize()
                os.chdir(gateware)
                soc.platform.get_verilog(soc, name=TOP).write(f"{TOP}.v")
            else:
                builder.build(run=False, build_name=TOP)
            made_mhz = _made(soc, clock_mhz)
        except (ValueError, AssertionError, ArithmeticError) as error:
            # Neither LiteX nor LiteDRAM has errors of its own for a clock that it cannot have.
            place = CLOCKED.search(traceback.extract_tb(error.__traceback__)[-1].filename)
            if place is None:
                raise
            part = "SDRAM" if place["memory"] else "PLL"
            raise PointwiseError(
                f"the {part} of {board.name} cannot have {clock_mhz:g} MHz; choose another clock, such as "
                f"{board.clock_mhz:g}"
            ) from error
    write_file(folder / HOST_FILE, json.dumps(describe(soc, board, made_mhz), indent=2) + "\n")
    sources = [Path(source[0]) for source in soc.platform.sources]
    suffix = {"ecp5": "lpf", "xilinx7": "xdc"}.get(board.family)
    return System(
        board,
        config,
        made_mhz,
        folder,
        gateware,
        tuple(dict.fromkeys([gateware / f"{TOP}.v", *sources])),
        gateware / f"{TOP}.{suffix}" if suffix else None,
        folder / HOST_FILE,
    )


def _made(soc: PointwiseSoC, asked_mhz: float) -> float:
    """The core's clock as the PLL makes it, a hundredth off at most; without a PLL as it was asked for."""
    if not hasattr(soc.crg, "pll"):
        return asked_mhz
    pll = soc.crg.pll
    # LiteX keeps nothing of what it found; what it added for the feedback has no frequency.
    pll.clkouts = {number: clock for number, clock in pll.clkouts.items() if clock[1]}
    found = pll.compute_config()
    made = [value / 1e6 for name, value in found.items() if re.fullmatch(r"clk(o|out)\d+_freq", name)]
    return min(made, key=lambda mhz: abs(mhz - asked_mhz))


@contextlib.contextmanager
def _told_in(log: Path):
    """Turn what LiteX prints and logs into a file."""
    root = logging.getLogger()
    handlers, level, here = root.handlers[:], root.level, Path.cwd()
    with log.open("w") as file, contextlib.redirect_stdout(file), contextlib.redirect_stderr(file):
        root.handlers = [logging.StreamHandler(file)]
        root.setLevel(logging.INFO)
        try:
            yield
        finally:
            root.handlers = handlers
            root.setLevel(level)
            os.chdir(here)
