"""Compiled networks, run from their bytes by the second executor: every tensor equals the integer model's."""

from dataclasses import replace

import numpy as np
import pytest

from pointwise.hw.contract.config import CoreConfig
from pointwise.hw.contract.errors import PointwiseError
from pointwise.model.compiler import Compiled, compile_network
from pointwise.model.compiler.random_network import random_image, random_network
from pointwise.model.compiler.shapes import Shape, random_config
from pointwise.model.graph import Graph, run
from pointwise.model.graph.ops.max_pool import MaxPool
from pointwise.sim.compare import compare_tensors
from tests.independent.convolutional import Convolutional
from tests.independent.project import cases, core_of
from tests.independent.reference import executor
from tests.independent.reference.core import Code
from tests.independent.reference.fields import Conv, Instruction
from tests.independent.reference.overwriting import writes_what_it_reads_later

AWKWARD = ((1, 1), (2, 64), (64, 2), (3, 6), (7, 21), (21, 7), (5, 5), (64, 64))
BITS = {"8": (8,), "4": (4,), "2": (2,), "mixed": (8, 4, 2)}
SHAPES = {
    "plain": Shape(tokens=17, inputs=9, dim=22, depth=2, heads=3, head_dim=7, hidden=37, classes=10),
    "distilled": Shape(
        tokens=13, inputs=10, dim=16, depth=1, heads=2, head_dim=9, hidden=21, classes=5, distilled=True
    ),
    "one token": Shape(tokens=1, inputs=5, dim=9, depth=2, heads=1, head_dim=4, hidden=6, classes=1),
    "ones": Shape(tokens=1, inputs=1, dim=1, depth=1, heads=1, head_dim=1, hidden=1, classes=1),
}
LARGE = Shape(tokens=24, inputs=60, dim=30, depth=1, heads=2, head_dim=11, hidden=100, classes=10)
SIZES = (1, 2, 3, 4, 6, 8, 12, 16, 32, 64)


def differences(compiled: Compiled, network: Graph, seed: int) -> list[str]:
    """What the executor has to say about one image, or the tensors that differ; and what reads too late."""
    image, core = random_image(network, seed), core_of(compiled.config)
    data, late = compiled.pack_input(image), []

    def observe(index: int, instruction: Instruction, *_: object) -> None:
        if isinstance(instruction, Conv) and writes_what_it_reads_later(instruction, core):
            late.append(f"instruction {index} writes over what it reads later")

    result = executor.run(compiled.image, data, core, observe, seed)
    if result.code is not Code.NONE:
        return [result.message]
    got = compiled.read_output(result.output)
    return late + [mismatch.tensor for mismatch in compare_tensors(network, run(network, image), got)]


@pytest.mark.parametrize("part", cases(4))
def test_random_networks_on_random_cores(part: int) -> None:
    for seed in range(25 * part, 25 * part + 25):
        network = random_network(seed)
        compiled = compile_network(network, random_config(seed), trace=True)
        assert differences(compiled, network, seed) == [], seed


@pytest.mark.parametrize("part", cases(4))
def test_random_convolutional_networks(part: int) -> None:
    for seed in range(25 * part, 25 * part + 25):
        rng = np.random.default_rng(seed)
        size, times = int(rng.choice([1, 2, 3, 4, 6, 8, 16])), int(rng.choice([1, 1, 2, 3, 4]))
        rows, cols = rng.permutation([size, size * times]).tolist()
        network = Convolutional(seed).network(1 + seed % 4)
        if rows > cols and any(isinstance(op, MaxPool) for op in network.ops):
            continue  # a column has only the first lanes of a word to take the maximum of
        config = CoreConfig(rows, cols, max_tokens=100, act_kib=32, res_kib=16, axi_data_width=64)
        assert differences(compile_network(network, config, trace=True), network, seed) == [], seed


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(("rows", "cols"), AWKWARD)
def test_awkward_shapes(rows: int, cols: int, shape: str) -> None:
    for seed, bits in enumerate(BITS.values()):
        network = random_network(seed, SHAPES[shape], bits)
        config = CoreConfig(rows, cols, max_tokens=17, act_kib=64, res_kib=32, axi_data_width=32 << seed)
        compiled = compile_network(network, config, trace=True)
        assert differences(compiled, network, seed) == [], bits


def tightest(network: Graph, config: CoreConfig, trace: bool) -> Compiled:
    """Compiled for the smallest activation SRAM that the compiler can do with, and then residual SRAM."""
    compiled = None
    for name in ("act_kib", "res_kib"):
        for kib in SIZES:
            try:
                compiled = compile_network(network, replace(config, **{name: kib}), trace)
            except PointwiseError:
                continue
            config = compiled.config
            break
    assert compiled
    return compiled


@pytest.mark.parametrize("seed", cases(8))
def test_small_memories(seed: int) -> None:
    """Tensors in slices, and in DRAM for a while."""
    shape = replace(LARGE, tokens=36 - seed % 12, heads=1 + seed % 3, distilled=bool(seed % 2))
    network = random_network(seed, shape)
    rows = int(np.random.default_rng(seed).choice([1, 2, 3, 4, 8]))
    config = CoreConfig(rows, rows, max_tokens=36, act_kib=64, act_banks=1, res_kib=64, axi_data_width=64)
    compiled = tightest(network, config, trace=True)
    names = [line["name"] for line in compiled.manifest["instructions"]]
    assert any(name.startswith("spill ") or "[" in name for name in names)
    assert differences(compiled, network, seed) == []


def test_a_program_without_trace() -> None:
    network = random_network(3)
    compiled = compile_network(network, random_config(3))
    image = random_image(network, 3)
    result = executor.run(compiled.image, compiled.pack_input(image), core_of(compiled.config))
    got = compiled.read_output(result.output)[network.output]
    assert np.array_equal(got, run(network, image)[network.output])
