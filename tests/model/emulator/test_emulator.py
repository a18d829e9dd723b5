"""Compiled programs, run from their bytes, equal the integer model on every tensor in every allowed order."""

from dataclasses import replace

import numpy as np
import pytest

from pointwise.hw.contract.config import CoreConfig
from pointwise.hw.contract.errors import PointwiseError
from pointwise.hw.contract.image import HEADER_BYTES, TRAILER_BYTES, seal
from pointwise.hw.contract.isa import INSTRUCTION_BYTES, Conv, End, Instruction
from pointwise.model.compiler import Compiled, compile_network, schedule
from pointwise.model.compiler.random_network import random_image, random_network
from pointwise.model.compiler.shapes import Shape, random_config
from pointwise.model.emulator import Emulator, Order
from pointwise.model.engine import fuse
from pointwise.model.graph import Graph, run
from tests.slow import few

SMALL = Shape(tokens=6, inputs=5, dim=4, depth=2, heads=2, head_dim=3, hidden=8, classes=3)


def expected(network: Graph, image: np.ndarray) -> dict[str, np.ndarray]:
    """Results by operation, and the network's output by its name."""
    results = run(network, image)
    return {network.output: results[network.output]} | {op.name: results[op.output] for op in fuse(network)}


def differences(
    compiled: Compiled, network: Graph, seed: int, order: Order, image: bytes | None = None
) -> list[str]:
    """Names of the arrays that differ from the integer model."""
    pixels = random_image(network, seed)
    wanted = expected(network, pixels)
    emulator = Emulator(image or compiled.image, compiled.config, seed)
    found = compiled.read_output(emulator.run(compiled.pack_input(pixels), order))
    return [name for name, values in found.items() if not np.array_equal(values, wanted[name])]


@pytest.mark.parametrize("seed", range(24))
def test_random_networks_on_random_cores(seed: int):
    network, config = random_network(seed), random_config(seed)
    for trace in (False, True):
        compiled = compile_network(network, config, trace)
        for order in Order:
            assert differences(compiled, network, seed, order) == [], (seed, trace, order)


@pytest.mark.parametrize("seed", range(12))
def test_tensors_in_slices_in_a_tight_memory(seed: int):
    """Room for little more than the attention: the image, the hidden layer and the scores come in slices."""
    shape = Shape(
        tokens=40,
        inputs=100,
        dim=6,
        depth=1,
        heads=2,
        head_dim=5,
        hidden=150,
        classes=3,
        distilled=bool(seed % 2),
    )
    network = random_network(seed, shape)
    config = replace(random_config(seed), max_tokens=40, act_banks=1, res_kib=8)
    rows = min(config.rows, 8)
    config = replace(config, rows=rows, cols=rows, post_lanes=1, act_kib=3)
    for trace in (False, True):
        compiled = compile_network(network, config, trace)
        assert any("[" in tensor["name"] for tensor in compiled.manifest["tensors"])
        for order in Order:
            assert differences(compiled, network, seed, order) == [], (seed, trace, order)


def test_contexts_in_other_slices_than_their_scores():
    """Spilling cuts the context at other tokens than the scores, whose row maxima it needs."""
    shape = Shape(
        tokens=40, inputs=72, dim=25, depth=1, heads=1, head_dim=38, hidden=69, classes=11, distilled=True
    )
    network = random_network(2, shape)
    config = CoreConfig(8, 8, max_tokens=100, act_kib=4, act_banks=1, res_kib=1, axi_data_width=64)
    compiled = compile_network(network, config, trace=True)
    first = {"row_max": set(), "divide": set()}
    for line in compiled.program:
        for kind, tokens in first.items():
            if isinstance(line.instruction, Conv) and getattr(line.instruction, kind):
                tokens.add(line.instruction.first_token)
    assert first["divide"] - first["row_max"]
    for order in Order:
        assert differences(compiled, network, 2, order) == [], order


def test_one_slot_of_reciprocals_is_slower_but_right(monkeypatch):
    """With one slot instead of two each context has to wait for the epilogue of the one before."""
    monkeypatch.setattr(schedule, "SUM_SLOTS", 1)
    network = random_network(0, replace(SMALL, heads=3))
    compiled = compile_network(network, CoreConfig(rows=4, cols=4, act_kib=8, res_kib=4))
    assert {line.instruction.sum_slot for line in compiled.program if isinstance(line.instruction, Conv)} == {
        0
    }
    for order in Order:
        assert differences(compiled, network, 0, order) == []


def replaced(image: bytes, index: int, instruction: Instruction) -> bytes:
    """The image with one instruction changed, sealed again."""
    body = bytearray(image[:-TRAILER_BYTES])
    first = HEADER_BYTES + index * INSTRUCTION_BYTES
    body[first : first + INSTRUCTION_BYTES] = instruction.encode()
    return seal(bytes(body))


@pytest.mark.parametrize("seed", few((0, 1, 2), (0,)))
@pytest.mark.parametrize("trace", few((False, True), (False,)))
def test_every_wait_is_needed(seed: int, trace: bool):
    """Each wait that its queue does not imply already is taken away in turn, and a wrong result shows.

    One is left out: traced, the second head waits for the STORE of the logits, and that for the first head.
    """
    network = random_network(seed, replace(SMALL, distilled=bool(seed % 2)), weight_bits=(8,))
    if not trace:  # the result alone says little of tokens whose input is zero
        network = network.changed({"image": replace(network["image"], zero_rows=0)})
    config = CoreConfig(rows=1, cols=1, max_tokens=16, act_kib=1, act_banks=2, res_kib=1, axi_data_width=32)
    compiled = compile_network(network, config, trace)
    before: dict[tuple[type, str], int] = {}
    tried = 0
    for index, line in enumerate(compiled.program):
        instruction = line.instruction
        if isinstance(instruction, End) or (trace and line.name == "head_dist"):
            continue
        fields = (
            ("wait_conv", "wait_dma", "post_wait_dma") if isinstance(instruction, Conv) else ("wait_conv",)
        )
        for field in fields:
            implied = before.get((type(instruction), field), 0)
            if field == "post_wait_dma":
                implied = max(implied, before.get((type(instruction), "wait_dma"), 0))
            wait = getattr(instruction, field)
            before[type(instruction), field] = max(implied, wait)
            if wait > implied:
                tried += 1
                image = replaced(compiled.image, index, replace(instruction, **{field: implied}))
                wrong = (differences(compiled, network, seed, order, image) for order in Order)
                assert any(wrong), f"{line.name} need not wait for {field} = {wait}"
    assert tried >= 20


def test_damaged_images_are_refused():
    config = CoreConfig(rows=2, cols=2, act_kib=4, res_kib=4)
    compiled = compile_network(random_network(0, SMALL), config)
    flipped = bytearray(compiled.image)
    flipped[1000] ^= 1
    with pytest.raises(PointwiseError, match="checksum"):
        Emulator(bytes(flipped), config)
    with pytest.raises(PointwiseError, match="cut short"):
        Emulator(compiled.image[:-64], config)
    with pytest.raises(PointwiseError, match="compile it for this core"):
        Emulator(compiled.image, replace(config, rows=4))


def test_an_input_of_another_length_is_told():
    compiled = compile_network(random_network(0, SMALL), CoreConfig(rows=2, cols=2, act_kib=4, res_kib=4))
    with pytest.raises(PointwiseError, match="the program reads"):
        Emulator(compiled.image, compiled.config).run(b"")
