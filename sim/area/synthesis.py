"""The resources of a core alone, as Yosys maps it for the ECP5."""

from pointwise.hw.contract.config import CoreConfig
from pointwise.hw.contract.files import write_file
from pointwise.hw.package.files import TOP as CORE
from pointwise.sim.build import build_root, locked
from pointwise.sim.fpga.products import hold_products
from pointwise.sim.fpga.resources import count, total
from pointwise.sim.fpga.synthesis import MAPPED, NETLIST, commands
from pointwise.sim.fpga.tools import Tools, run
from pointwise.sim.system.testbench import core_verilog

FAMILY = "ecp5"


def resources(config: CoreConfig) -> dict[str, int]:
    """Cells of a core by kind (``sim.fpga.resources.KINDS``), by the passes that bitstreams are made with.

    Minutes for a core of 8×8.

    Raises:
        PointwiseError: Yosys is not there, or failed.
    """
    tools = Tools()
    lines = ("read_verilog core.v", *commands(FAMILY, CORE), f"write_json {MAPPED}")
    shape = f"{config.rows}x{config.cols}-{config.post_lanes}-{config.axi_data_width}"
    folder = build_root() / "area" / shape
    with locked(folder):
        write_file(folder / "core.v", core_verilog(config))
        write_file(folder / "synthesis.ys", "\n".join(lines) + "\n")
        command = [*tools.command("yosys"), "-s", "synthesis.ys"]
        run(command, folder / "synthesis.log", folder=folder, name="synthesis")
        hold_products(folder / MAPPED, folder / NETLIST)
        return total(count(folder / NETLIST, FAMILY))
