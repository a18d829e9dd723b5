"""One block of each known network in RTL, every tensor compared: all on one core, too small for the largest.

DeiT-Base keeps its residual stream in DRAM there, in slices. DINOv2-S has 257 tokens, which all go through
the core at once.
"""

from dataclasses import replace

import pytest

import pointwise as pw
from pointwise.hw.contract.config import CoreConfig
from pointwise.model.compiler.random_network import random_network
from pointwise.model.compiler.shapes import Shape
from pointwise.model.engine import fuse
from pointwise.model.graph import Graph
from pointwise.model.models.made_up import made_up_images
from pointwise.model.models.vision import VISION, vision_transformer
from pointwise.model.networks import NETWORKS
from pointwise.model.quantise import LayerConfig, Recipe
from pointwise.sim.fuzz import run_network
from pointwise.sim.system.testbench import build_core

CORE = CoreConfig(act_kib=298, res_kib=150, max_tokens=257)
CYCLES = 12_000_000
RECIPE = Recipe(LayerConfig(rounding="nearest", factors="range"))
"""What takes longest and decides nothing here is left out."""


def block_of(name: str) -> Graph:
    """A network with one of its blocks, in integers."""
    if name in NETWORKS:
        return random_network(0, replace(Shape.of(NETWORKS[name]), depth=1))
    source = vision_transformer(replace(VISION[name], depth=1), name)
    return pw.quantise(pw.calibrate(source, made_up_images(source, 2, seed=1), recipe=RECIPE, batch=1))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["deit_tiny", "deit_tiny_distilled", "deit_small", "deit_base", *VISION])
def test_one_block(name: str):
    network = block_of(name)
    outcome = run_network(build_core(CORE), CORE, network, 0, {"latency": 40}, CYCLES)
    assert not outcome.mismatches
    assert outcome.tensors == len(fuse(network))
    peak = CORE.rows * CORE.cols * outcome.cycles
    assert network.macs / peak > 0.75
