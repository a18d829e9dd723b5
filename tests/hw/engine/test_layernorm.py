"""LayerNormStatistics in Verilator."""

from pathlib import Path

from pointwise.hw.contract.config import CoreConfig
from pointwise.hw.engine.layernorm import LayerNormStatistics
from pointwise.hw.verilog import to_verilog
from pointwise.sim.bench import bench


def test_layernorm():
    shape = {"max_tokens": 50}
    verilog = to_verilog(LayerNormStatistics(CoreConfig(**shape)), "layernorm")
    bench([verilog], "layernorm", Path(__file__).with_name("bench_layernorm.py"), config=shape)
