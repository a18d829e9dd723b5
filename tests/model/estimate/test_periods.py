"""Periods of programs: blocks are found, and nothing else is taken for one."""

import dataclasses

import pytest

from pointwise.hw.contract.config import CoreConfig
from pointwise.hw.contract.isa import Base, Conv, Dma, Space
from pointwise.model.compiler import compile_network
from pointwise.model.compiler.codegen import generate
from pointwise.model.compiler.random_network import random_network
from pointwise.model.compiler.shapes import Shape, random_config
from pointwise.model.estimate import weightless
from pointwise.model.estimate.periods import period_of
from pointwise.model.networks import network

TINY = Shape.of(network("deit_tiny"))
COUNTS = ("wait_conv", "wait_dma", "post_wait_dma", "stream_offset")


@pytest.mark.parametrize("depth", [1, 3, 5, 9])
def test_blocks_of_a_transformer(depth: int) -> None:
    """Two blocks of DeiT-Tiny begin in the same beat of a burst; that is its period."""
    program = generate(weightless(dataclasses.replace(TINY, depth=depth)), CoreConfig()).instructions
    period = period_of(program, CoreConfig())
    assert period.convs == tuple(instruction for instruction in program if isinstance(instruction, Conv))
    if depth < 5:
        assert period.more(len(period.convs) - 1, 0) == 0
        return
    assert period.length == 36
    assert period.end - period.first > 18 * (depth - 1)
    assert period.more(period.first + 35, 0) == (period.end - period.first) // 36 - 1
    assert period.more(period.end - 1, 0) == period.more(period.end - 36, 1) == 0


@pytest.mark.parametrize("seed", range(8))
def test_what_is_alike(seed: int) -> None:
    """Within a period everything but counts is as it was; with STOREs between layers there is none."""
    config, subject = random_config(seed), random_network(seed)
    for trace in (False, True):
        program = [line.instruction for line in compile_network(subject, config, trace).program]
        period = period_of(program, config)
        for number in range(period.first + period.length, period.end):
            here, before = period.convs[number], period.convs[number - period.length]
            counts = {name: getattr(before, name) for name in COUNTS}
            assert dataclasses.replace(here, **counts) == before
            assert (here.stream_offset - before.stream_offset) % (config.axi_burst * config.bus_bytes) == 0
        assert not (trace and period.end)


def test_what_a_store_lies_between_is_no_period() -> None:
    """Though all convolutions are the same and none waits."""
    config = CoreConfig()
    program = generate(weightless(dataclasses.replace(TINY, depth=1)), config).instructions
    conv = next(instruction for instruction in program if isinstance(instruction, Conv))
    conv = dataclasses.replace(conv, wait_conv=0, wait_dma=0, post_wait_dma=0)
    store = Dma(True, Space.RESIDUAL, Base.OUTPUT, 0, 0, 0, 0, rows=1, words=1)
    assert period_of([conv] * 12, config).end == 12
    assert period_of([conv, store] * 12, config).end == 0
