"""LayerNormStatistics in Verilator."""

from pathlib import Path

from hw.contract.config import CoreConfig
from hw.engine.layernorm import LayerNormStatistics
from hw.verilog import to_verilog
from sim.bench import bench


def test_layernorm():
    shape = {"max_tokens": 50}
    verilog = to_verilog(LayerNormStatistics(CoreConfig(**shape)), "layernorm")
    bench([verilog], "layernorm", Path(__file__).with_name("bench_layernorm.py"), config=shape)
