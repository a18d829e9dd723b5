"""One block of each known network in RTL, every tensor compared: all on one core, too small for the largest.

DeiT-Base keeps its residual stream in DRAM there, in slices.
"""

from dataclasses import replace

import pytest

from pointwise.hw.contract.config import CoreConfig
from pointwise.model.compiler.random_network import random_network
from pointwise.model.compiler.shapes import Shape
from pointwise.model.engine import fuse
from pointwise.model.networks import NETWORKS
from pointwise.sim.fuzz import run_network
from pointwise.sim.system.testbench import build_core

CORE = CoreConfig(act_kib=298, res_kib=150)
CYCLES = 12_000_000


@pytest.mark.slow
@pytest.mark.parametrize("name", ["deit_tiny", "deit_tiny_distilled", "deit_small", "deit_base"])
def test_one_block(name: str):
    network = random_network(0, replace(Shape.of(NETWORKS[name]), depth=1))
    outcome = run_network(build_core(CORE), CORE, network, 0, {"latency": 40}, CYCLES)
    assert not outcome.mismatches
    assert outcome.tensors == len(fuse(network))
    peak = CORE.rows * CORE.cols * outcome.cycles
    assert network.macs / peak > 0.75
