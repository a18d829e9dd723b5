"""Known networks in the memories that they are meant for, and what is said when they do not fit."""

import re
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from pointwise.hw.contract.config import PRESETS, CoreConfig
from pointwise.hw.contract.errors import PointwiseError
from pointwise.hw.contract.isa import Space
from pointwise.model.compiler.analysis import analyse
from pointwise.model.compiler.cuts import Cuts
from pointwise.model.compiler.memory_sizing import plan
from pointwise.model.compiler.planning import Plan, fits_whole
from pointwise.model.compiler.random_network import random_network
from pointwise.model.compiler.shapes import Shape, random_config
from pointwise.model.networks import NETWORKS

DEIT_TINY, DEIT_SMALL, DEIT_BASE = (Shape.of(NETWORKS[f"deit_{size}"]) for size in ("tiny", "small", "base"))


HIDDEN = {"act": "hidden", "fc1": "hidden"}
"""Where a block has a table and where it has none."""


def planned(shape: Shape, config: CoreConfig) -> Plan:
    network = random_network(0, shape)
    return plan(network, analyse(network, config), config)


def slices(found: Plan) -> set[str]:
    """The kinds of tensors that were cut."""
    buffers = found.graph.buffers
    return {
        HIDDEN.get(kind, kind)
        for b in buffers
        if b.tokens < b.tensor.tokens
        for kind in [b.tensor.key.split(".")[-1]]
    }


def assert_sound(found: Plan, config: CoreConfig) -> None:
    """Buffers of a memory that live at the same time share no word; drawn in a table."""
    for space, words in ((Space.ACTIVATION, config.act_words), (Space.RESIDUAL, config.res_words)):
        assert found.used[space] <= words
        table = np.zeros((len(found.order) + 1, words), np.uint8)
        for buffer in found.graph.buffers:
            if buffer.space == space:
                begin, end = found.lifetimes[buffer.index]
                table[
                    begin : end + 1, found.places[buffer.index] : found.places[buffer.index] + buffer.words
                ] += 1
        assert table.max() == 1
    assert found.lifetimes[found.graph.output][1] == len(found.order), "the output is stored at the end"
    for group in found.graph.groups:
        for left, right in pairwise(group):
            assert found.places[right] == found.places[left] + found.graph.buffers[left].words


TARGETS = {
    "DeiT-Tiny": (DEIT_TINY, PRESETS["default"], set()),
    "DeiT-Tiny on ECP5": (DEIT_TINY, PRESETS["ecp5"], set()),
    "DeiT-Tiny in 176 KiB": (DEIT_TINY, CoreConfig(act_kib=100, res_kib=76), {"hidden", "image"}),
    "DeiT-Small in 448 KiB": (DEIT_SMALL, CoreConfig(act_kib=298, res_kib=150), set()),
    "DeiT-Small in 352 KiB": (DEIT_SMALL, CoreConfig(act_kib=202, res_kib=150), {"hidden"}),
    "DeiT-Base in 1 MiB": (DEIT_BASE, CoreConfig(act_kib=726, res_kib=298), set()),
    "DeiT-Base in 512 KiB": (DEIT_BASE, CoreConfig(act_kib=214, res_kib=298), {"hidden"}),
    "DeiT-Tiny in 120 KiB": (DEIT_TINY, CoreConfig(act_kib=80, res_kib=40), {"hidden", "image", "x"}),
    "DeiT-Base, 32×32": (DEIT_BASE, PRESETS["large"], set()),
}


@pytest.mark.parametrize("name", TARGETS)
def test_targets(name: str):
    shape, config, cut = TARGETS[name]
    network = random_network(0, replace(shape, depth=2))
    analysis = analyse(network, config)
    found = plan(network, analysis, config)
    assert_sound(found, config)
    assert slices(found) == cut
    # Where even the residual stream is cut, parts of it wait in DRAM.
    assert fits_whole(analysis, config, Cuts(analysis, config)) == ("x" not in cut)


def test_heads_are_interleaved_where_they_fit():
    found = planned(replace(DEIT_TINY, depth=1), PRESETS["default"])
    order = [found.graph.steps[i].node.op.name for i in found.order if found.graph.steps[i].node]
    assert order.index("blocks.0.q.1") == order.index("blocks.0.scores.0") + 1


@pytest.mark.parametrize("act_banks", [2, 4])
def test_operands_of_attention_lie_in_different_banks(act_banks: int):
    config = replace(PRESETS["default"], act_banks=act_banks)
    found = planned(replace(DEIT_TINY, depth=1), config)
    places = {
        b.name: (found.places[b.index], b.words) for b in found.graph.buffers if b.space == Space.ACTIVATION
    }

    def banks(name: str) -> set[int]:
        base, words = places[f"blocks.0.{name}"]
        return set(range(base // config.bank_words, (base + words - 1) // config.bank_words + 1))

    for head in range(3):
        assert not banks(f"q.{head}") & banks(f"k.{head}")
        assert not banks(f"scores.{head}") & banks(f"v.{head}")


@pytest.mark.parametrize(
    ("shape", "memory"),
    [
        (DEIT_TINY, "act_kib"),
        (DEIT_SMALL, "res_kib"),
        pytest.param(DEIT_BASE, "act_kib", marks=pytest.mark.slow),
    ],
)
def test_what_does_not_fit_is_told_with_a_memory_that_would_do(shape: Shape, memory: str):
    shape = replace(shape, depth=1)
    room = {"act_kib": 16, "res_kib": 400} if memory == "act_kib" else {"act_kib": 400, "res_kib": 8}
    with pytest.raises(PointwiseError, match=f"has {room[memory]} KiB and .* are needed") as caught:
        planned(shape, CoreConfig(**room))
    needed = int(re.search(rf"{memory} = (\d+)", str(caught.value))[1])
    config = CoreConfig(**room | {memory: needed})
    assert_sound(planned(shape, config), config)
    with pytest.raises(PointwiseError):
        planned(shape, CoreConfig(**room | {memory: needed - 1}))


def test_two_memories_that_are_too_small_are_both_told():
    shape = replace(DEIT_TINY, depth=1)
    with pytest.raises(PointwiseError) as caught:
        planned(shape, CoreConfig(act_kib=8, res_kib=4))
    needed = re.search(r"act_kib = (\d+) and res_kib = (\d+) or more", str(caught.value))
    config = CoreConfig(act_kib=int(needed[1]), res_kib=int(needed[2]))
    assert_sound(planned(shape, config), config)


@pytest.mark.parametrize("seed", range(10))
def test_random_networks_in_as_little_as_they_need(seed: int):
    config = replace(random_config(seed), act_kib=1, res_kib=64)
    shape = Shape(tokens=20, inputs=40, dim=24, depth=2, heads=3, head_dim=8, hidden=96, classes=5)
    try:
        found = planned(shape, config)
    except PointwiseError as error:
        needed = int(re.search(r"act_kib = (\d+)", str(error))[1])
        config = replace(config, act_kib=needed)
        found = planned(shape, config)
    assert_sound(found, config)
