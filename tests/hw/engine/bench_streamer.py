"""Every cycle of the streamer against a model of it: requests, tags, starts, and the cause of every wait."""

from collections import deque

import cocotb
from cocotb.triggers import FallingEdge, ReadOnly
from streamer_work import Step, random_conv, steps
from waves import descriptor, generator, same, start, unpack_fields

from hw.contract.config import CoreConfig, next_power_of_two
from hw.contract.isa import Prologue
from hw.contract.registers import Cause
from hw.engine.accumulator import REVISIT_CYCLES
from hw.engine.descriptor import STREAMER
from hw.engine.tags import TokenTag
from sim.bench import bench_config
from sim.drivers import StreamSource

CONVS = 100
INPUTS = (
    *("descriptor_payload", "descriptor_valid", "conv_done", "dma_done", "rows_done"),
    *("tile_ready", "popped"),
)


@cocotb.test(timeout_time=1, timeout_unit="ms")
@cocotb.parametrize(gap=[0.0, 0.3])
async def equals_its_model(dut, gap):
    config = CoreConfig(**bench_config())
    rng = generator()
    convs = [random_conv(rng, config, number) for number in range(CONVS)]
    await start(dut, [*INPUTS, "act_ready", "res_ready"])
    source = StreamSource(dut, "descriptor", stall=gap)
    source.put(descriptor(STREAMER, conv) for conv in convs)

    room = depth = next_power_of_two(config.max_tokens)
    parity = exp_bank = taken = conv_done = dma_done = rows_done = 0
    since, tile_ready, waiting = max(config.rows, REVISIT_CYCLES), True, 0
    counts = (0, 0, 0)  # conv_done, dma_done and rows_done as they were a cycle ago
    pops = deque([0, 0])  # what comes back to ``room`` in the next cycles
    work: deque[Step] = deque()
    ends: deque[int] = deque()  # convolutions of the tokens in the output FIFO, where they are a last one
    while taken < CONVS or work or conv_done < CONVS:
        popped = bool(ends) and rng.random() >= gap
        ready = {name: int(rng.random() >= gap) for name in ("act", "res")}
        waiting -= waiting > 0
        tile_ready |= waiting == 0
        dut.popped.value, dut.tile_ready.value = popped, tile_ready
        dut.act_ready.value, dut.res_ready.value = ready["act"], ready["res"]
        dut.conv_done.value, dut.dma_done.value, dut.rows_done.value = conv_done, dma_done, rows_done
        await ReadOnly()

        cause, wanted, step = Cause.IDLE, None, work[0] if work else None
        if step:
            conv = step.conv
            convs_then, dmas_then, rows_then = counts
            following = conv.follow and step.n_tile == 0 and dmas_then == conv.wait_dma - 1
            loaded = dmas_then >= conv.wait_dma or (following and rows_then > step.k_tile)
            depends = convs_then >= conv.wait_conv and loaded
            fits = not step.last_k or room >= conv.tokens
            cause = Cause.BANK
            if step.first and not (depends and tile_ready and since >= REVISIT_CYCLES and fits):
                short = since < max(config.rows, REVISIT_CYCLES)
                cause = Cause.SHORT if short else Cause.OUTPUT if tile_ready else Cause.TILE
                cause = cause if depends else Cause.DEPEND
            else:
                wanted = "res" if conv.prologue == Prologue.NORMALISE else "act"
        issue = wanted is not None and ready[wanted]
        cause = Cause.STREAM if issue else cause
        for name in ("act", "res"):
            same(f"{name}_valid", int(dut[f"{name}_valid"].value), int(wanted == name))
        same("issue", int(dut.issue.value), int(issue))
        same("started", int(dut.started.value), int(issue and step.first))
        same(
            "exp_end",
            int(dut.exp_end.value),
            int(issue and step.last and conv.prologue == Prologue.EXPONENTIAL),
        )
        same("cause", int(dut.cause.value), int(cause))
        if wanted:
            same("address", int(dut.address.value), step.address)
            same("tag", unpack_fields(TokenTag(config), int(dut.tag.value)), step.tag)
            same("stat_token", int(dut.stat_token.value), conv.first_token + step.tag["token"])
            same("max_slot", int(dut.max_slot.value), conv.max_slot)

        # What this cycle changes.
        since = 1 if issue and step.first else since + 1
        counts = (conv_done, dma_done, rows_done)
        pops.append(popped)
        room += pops.popleft() - (conv.tokens if issue and step.first and step.last_k else 0)
        if popped:
            conv_done += ends.popleft()
        if issue:
            work.popleft()
            if step.first:
                tile_ready, waiting = False, int(rng.choice([1, 1 + config.rows, rng.integers(1, 40)]))
            if step.last_k:
                ends.append(step.last)
                assert len(ends) <= depth, "more tokens than the output FIFO holds"
        rows_done += rng.random() < 0.05
        if rng.random() < 0.02:
            dma_done, rows_done = dma_done + 1, 0
        if int(dut.descriptor_valid.value) and int(dut.descriptor_ready.value):
            assert not work, "a convolution was taken while another one is at work"
            work.extend(steps(config, convs[taken], parity, exp_bank))
            parity, exp_bank = (
                1 - work[-1].tag["parity"],
                exp_bank ^ (convs[taken].prologue == Prologue.EXPONENTIAL),
            )
            taken += 1
        await FallingEdge(dut.clk)
