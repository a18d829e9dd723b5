"""From a board and a core to the files that synthesis and place and route start from."""

import contextlib
import importlib
import json
import logging
import os
import traceback
from pathlib import Path

from litex.soc.integration.builder import Builder

from hw.contract.config import CoreConfig
from hw.contract.errors import PointwiseError
from hw.contract.files import write_file

from .board import Board
from .host import describe
from .system import HOST_FILE, TOP, System


def elaborate(board: Board, config: CoreConfig, clock_mhz: float, folder: Path) -> System:
    """Write Verilog, constraints and ``board.json`` of a system into ``folder``.

    LiteX's own account of it goes to ``elaborate.log`` there. For boards of Xilinx the script of the
    vendor's tool is written too.

    Raises:
        PointwiseError: no PLL setting gives that clock, or a file cannot be written.
    """
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
        except (ValueError, AssertionError) as error:
            # LiteX has no error of its own for a clock out of a PLL's range.
            if "/cores/clock/" not in traceback.extract_tb(error.__traceback__)[-1].filename:
                raise
            raise PointwiseError(
                f"the PLL of {board.name} cannot make {clock_mhz:g} MHz; choose another clock, such as "
                f"{board.clock_mhz:g}"
            ) from error
    write_file(folder / HOST_FILE, json.dumps(describe(soc, board), indent=2) + "\n")
    sources = [Path(source[0]) for source in soc.platform.sources]
    suffix = {"ecp5": "lpf", "xilinx7": "xdc"}.get(board.family)
    return System(
        board,
        config,
        clock_mhz,
        folder,
        gateware,
        tuple(dict.fromkeys([gateware / f"{TOP}.v", *sources])),
        gateware / f"{TOP}.{suffix}" if suffix else None,
        folder / HOST_FILE,
    )


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
