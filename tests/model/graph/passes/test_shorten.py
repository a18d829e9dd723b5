"""Networks with fewer of their blocks."""

from dataclasses import replace

import pytest

from pointwise.hw.contract.config import CoreConfig
from pointwise.hw.contract.isa import Space
from pointwise.model.compiler.analysis import analyse
from pointwise.model.compiler.cuts import Cuts
from pointwise.model.compiler.planning import find_plan
from pointwise.model.compiler.shapes import Shape
from pointwise.model.estimate import weightless
from pointwise.model.graph.passes.shorten import KEPT, shorten
from pointwise.model.networks import NETWORKS

TINY = Shape.of(NETWORKS["deit_tiny"])


@pytest.mark.parametrize("depth", [KEPT + 1, 7, 12])
def test_a_transformer_keeps_two_blocks(depth: int) -> None:
    short, stands_for = shorten(weightless(replace(TINY, depth=depth)))
    short.check()
    wanted = weightless(replace(TINY, depth=KEPT))
    assert [type(op) for op in short.ops] == [type(op) for op in wanted.ops]
    assert [short.values[op.name] for op in short.ops] == [wanted.values[op.name] for op in wanted.ops]
    assert all(name not in short and other in short for name, other in stands_for.items())


@pytest.mark.parametrize("depth", [1, KEPT])
def test_what_repeats_too_little_stays(depth: int) -> None:
    """The heads of one block repeat too, but what reads all of them does not change with their number."""
    network = weightless(replace(TINY, depth=depth, heads=2))
    short, stands_for = shorten(network)
    assert short is network and not stands_for


def test_blocks_that_differ_are_no_repetition() -> None:
    """Without channel shifts in one layer a block is another one."""
    shape = replace(TINY, depth=3, heads=1)
    shifts = [f"blocks.{block}.{part}" for block in (0, 2) for part in ("attn.q.0", "attn.k.0", "attn.v.0")]
    network = weightless(shape, shifts=[*shifts, *(f"blocks.{block}.mlp.fc1" for block in range(3))])
    assert shorten(network)[0] is network


@pytest.mark.parametrize("act_kib", [100, 104, 160, 208])
def test_a_few_blocks_need_the_memory_of_all(act_kib: int) -> None:
    config = CoreConfig(act_kib=act_kib, res_kib=80)
    network = weightless(TINY)
    used = []
    for each in (network, shorten(network)[0]):
        analysis = analyse(each, config)
        plan = find_plan(analysis, config, Cuts(analysis, config))
        used.append({space: plan.used[space] for space in Space} if plan else None)
    assert used[0] == used[1]
