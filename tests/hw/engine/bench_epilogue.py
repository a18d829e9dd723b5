"""Random convolutions, one behind the other, with random gaps in all that the epilogue waits for."""

import cocotb
from driver import generator, start
from epilogue_environment import INPUTS, Environment
from epilogue_stimulus import random_work

from pointwise.hw.contract.config import CoreConfig
from pointwise.sim.bench import bench_config

CONVS = 120


@cocotb.test(timeout_time=1, timeout_unit="ms")
@cocotb.parametrize(gap=[0.0, 0.4])
async def equals_the_model(dut, gap):
    config = CoreConfig(**bench_config())
    rng = generator()
    await start(dut, INPUTS)
    works = [random_work(rng, config, post_wait_dma=number // 8) for number in range(CONVS)]
    around = Environment(dut, config, rng, works, gap)
    for task in (around.memories, around.descriptors, around.parameters, around.accumulators, around.dma):
        cocotb.start_soon(task())
    await around.readers()
    want = [write for work in works for write in work.writes(config)]
    for number, (got, expected) in enumerate(zip(around.writes, want, strict=False)):
        assert got == expected, f"write {number} is {got}, expected {expected}"
    assert len(around.writes) == len(want), f"{len(around.writes)} writes, expected {len(want)}"
    waits = [work.conv.post_wait_dma for work in works for _ in work.writes(config)]
    assert all(done >= wait for done, wait in zip(around.dma_at_write, waits, strict=True)), (
        "DMA was not awaited"
    )
    beside = max(config.rows, config.cols)
    for told, work in zip(around.words_done[:-1], works, strict=True):
        # Of the last N-tiles conv_done tells.
        least = (work.conv.n - 1) // beside * beside // config.rows
        assert told >= least, f"{told} words were told of {work.conv.n} channels, expected {least} at least"
    assert around.done == CONVS, f"{around.done} convolutions reported done, expected {CONVS}"
