"""Prologue in Verilator."""

from pathlib import Path

import pytest

from pointwise.hw.contract.config import CoreConfig
from pointwise.hw.engine.prologue import Prologue
from pointwise.hw.verilog import to_verilog
from pointwise.sim.bench import bench


@pytest.mark.parametrize("rows", [1, 5])
def test_prologue(rows):
    config = {"rows": rows, "cols": rows}
    verilog = to_verilog(Prologue(CoreConfig(**config)), "prologue")
    bench([verilog], "prologue", Path(__file__).with_name("bench_prologue.py"), config=config)
