"""Prologue in Verilator."""

from pathlib import Path

import pytest

from hw.contract.config import CoreConfig
from hw.engine.prologue import Prologue
from hw.verilog import to_verilog
from sim.bench import bench


@pytest.mark.parametrize("rows", [1, 5])
def test_prologue(rows):
    config = {"rows": rows, "cols": rows}
    verilog = to_verilog(Prologue(CoreConfig(**config)), "prologue")
    bench([verilog], "prologue", Path(__file__).with_name("bench_prologue.py"), config=config)
