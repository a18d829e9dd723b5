"""Epilogue in Verilator."""

from pathlib import Path

import pytest

from pointwise.hw.contract.config import CoreConfig
from pointwise.hw.engine.epilogue import Epilogue
from pointwise.hw.verilog import to_verilog
from pointwise.sim.bench import bench


@pytest.mark.parametrize(
    "shape",
    [
        {"rows": 1, "cols": 1, "max_tokens": 6},
        {"rows": 4, "cols": 8, "post_lanes": 2, "max_tokens": 20},
        {"rows": 6, "cols": 3, "max_tokens": 20},
    ],
)
def test_epilogue(shape):
    verilog = to_verilog(Epilogue(CoreConfig(**shape)), "epilogue")
    bench([verilog], "epilogue", Path(__file__).with_name("bench_epilogue.py"), config=shape)
