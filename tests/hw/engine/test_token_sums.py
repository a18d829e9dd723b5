"""TokenSums in Verilator."""

from pathlib import Path

import pytest

from pointwise.hw.contract.config import CoreConfig
from pointwise.hw.engine.token_sums import TokenSums
from pointwise.hw.verilog import to_verilog
from pointwise.sim.bench import bench


@pytest.mark.parametrize(
    "shape",
    [
        {"rows": 1, "cols": 1, "max_tokens": 3},
        {"rows": 6, "cols": 12, "post_lanes": 3, "max_tokens": 40},
    ],
)
def test_token_sums(shape):
    verilog = to_verilog(TokenSums(CoreConfig(**shape)), "token_sums")
    bench([verilog], "token_sums", Path(__file__).with_name("bench_token_sums.py"), config=shape)
