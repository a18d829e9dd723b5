"""Small cores of many shapes, and random networks on them."""

from functools import cache

import numpy as np

from hw.contract.config import CoreConfig
from model.compiler import Compiled, compile_network
from model.compiler.random_network import random_image, random_network
from model.integer.network import IntegerNetwork, run
from sim.build import Build
from sim.compare import Mismatch, check_errors, compare_tensors
from sim.system.run import run_core
from sim.system.testbench import build_core

SHAPES = {
    "1x1": CoreConfig(rows=1, cols=1, max_tokens=32, act_kib=16, act_banks=1, res_kib=8, axi_data_width=32, axi_burst=4),
    "2x2": CoreConfig(rows=2, cols=2, post_lanes=1, max_tokens=64, act_kib=24, act_banks=2, res_kib=12, axi_data_width=32),
    "4x4": CoreConfig(rows=4, cols=4, max_tokens=64, act_kib=32, act_banks=2, res_kib=16, axi_data_width=64),
    "8x8": CoreConfig(rows=8, cols=8, post_lanes=4, max_tokens=100, act_kib=48, act_banks=3, res_kib=24, axi_data_width=64),
    "16x16": CoreConfig(max_tokens=100, act_kib=64, res_kib=32),
    "8x16": CoreConfig(rows=8, cols=16, post_lanes=4, max_tokens=64, act_kib=48, act_banks=4, res_kib=24, axi_data_width=256),
    "16x8": CoreConfig(rows=16, cols=8, post_lanes=8, max_tokens=64, act_kib=48, act_banks=4, res_kib=24, axi_data_width=64),
    "3x6": CoreConfig(rows=3, cols=6, max_tokens=40, act_kib=24, act_banks=2, res_kib=12, axi_data_width=512, axi_burst=8),
}
"""Cores by name: every parameter takes several values, and no two cores agree in more than they must."""


@cache
def simulator(shape: str) -> Build:
    """The simulator of a core of ``SHAPES``."""
    return build_core(SHAPES[shape], optimise="-O1")


def random_memory(seed: int) -> dict[str, object]:
    """A latency and stalls for every channel of the bus, none in one case of four."""
    rng = np.random.default_rng([seed, 3])
    if rng.integers(4) == 0:
        return {"latency": int(rng.integers(1, 60))}
    stalls = {f"stall_{channel}": int(rng.integers(0, 500)) for channel in ("ar", "aw", "w", "r", "b")}
    return {"latency": int(rng.integers(1, 60)), **stalls}


def run_network(
    shape: str, network: IntegerNetwork, compiled: Compiled, seed: int
) -> tuple[list[Mismatch], int]:
    """Run one random image through hardware and model; what differs, and the cycles that it took."""
    image = random_image(network, seed)
    outcome = run_core(
        simulator(shape), compiled, [compiled.pack_input(image)], plusargs=random_memory(seed), seed=seed, timeout_cycles=3_000_000
    )
    check_errors(outcome)
    got = compiled.read_output(outcome.outputs[0])
    return compare_tensors(network, run(network, image), got), outcome.images[0].cycles


def random_case(shape: str, seed: int, trace: bool = True) -> tuple[IntegerNetwork, Compiled]:
    """A random network, compiled for a core."""
    network = random_network(seed)
    return network, compile_network(network, SHAPES[shape], trace)
