"""TokenIssue in Verilator."""

from pathlib import Path

import pytest

from pointwise.hw.contract.config import CoreConfig
from pointwise.hw.engine.issue import TokenIssue
from pointwise.hw.verilog import to_verilog
from pointwise.sim.bench import bench


@pytest.mark.parametrize(
    "shape", [{"rows": 1, "cols": 1, "max_tokens": 2}, {"rows": 6, "cols": 3, "max_tokens": 11}]
)
def test_issue(shape):
    verilog = to_verilog(TokenIssue(CoreConfig(**shape)), "token_issue")
    bench([verilog], "token_issue", Path(__file__).with_name("bench_issue.py"), config=shape)
