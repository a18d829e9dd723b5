"""Control under the protocol checker of AXI4-Lite."""

from pathlib import Path

import pytest

from pointwise.hw.contract.config import CoreConfig
from pointwise.hw.control.control import Control
from pointwise.hw.verilog import to_verilog
from pointwise.sim.bench import bench
from pointwise.sim.build import CHECKERS

HERE = Path(__file__).parent


@pytest.mark.parametrize(
    "shape",
    [
        {},
        {"rows": 3, "cols": 1, "axi_addr_width": 64, "axi_data_width": 512, "max_tokens": 2},
        {"axi_addr_width": 16},
    ],
    ids=lambda shape: f"{shape.get('axi_addr_width', 32)}bits",
)
@pytest.mark.parametrize("behaviour", ["registers", "control"])
def test_control(shape, behaviour):
    config = CoreConfig(**shape)
    sources = [to_verilog(Control(config), "control"), *CHECKERS, HERE / "control_bench.sv"]
    parameters = {"ADDR_WIDTH": config.axi_addr_width}
    bench(sources, "control_bench", HERE / f"bench_{behaviour}.py", config=shape, parameters=parameters)
