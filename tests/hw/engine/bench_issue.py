"""Every cycle of the issue of tokens against a model of it: requests, starts of tiles, causes."""

from collections import deque

import cocotb
from cocotb.triggers import FallingEdge, ReadOnly
from driver import assert_equal, generator, start

from pointwise.hw.contract.config import CoreConfig
from pointwise.hw.contract.registers import Cause
from pointwise.hw.contract.timing import STREAM_REVISIT
from pointwise.hw.engine.issue import TokenRequest
from pointwise.sim.bench import bench_config

CYCLES = 4000
INPUTS = ("requests_valid", "requests_payload", "stall_cause", "tile_next", "act_ready", "res_ready")
PLACE = 2
"""Tokens that find room in the unit."""


@cocotb.test(timeout_time=1, timeout_unit="ms")
@cocotb.parametrize(gap=[0.0, 0.3])
async def equals_its_model(dut, gap):
    config = CoreConfig(**bench_config())
    layout = TokenRequest(config)
    rng = generator()
    await start(dut, INPUTS)

    short_for = max(config.rows, STREAM_REVISIT)
    held: deque[dict] = deque()  # tokens in the unit
    stalled_by = Cause.IDLE
    age = since = short_for  # of the last tile: all cycles, and those in which no token of it had to wait
    tile_ready, waiting, left = False, 2, 0
    offered, issued = None, 0
    for _ in range(CYCLES):
        if offered is None and rng.random() >= gap:
            first, left = left == 0, left - 1 if left else int(rng.integers(0, 12))
            word = int.from_bytes(rng.bytes(-(-layout.size // 8)), "little") & ((1 << layout.size) - 1)
            swap = layout["tag"].shape["swap"].offset + layout["tag"].offset
            offered = word & ~(1 << swap) | first << swap
            offered_first, residual = first, word >> layout["residual"].offset & 1
            final = word >> layout["final"].offset & 1
        waiting -= waiting > 0
        tile_ready |= waiting == 0
        ready = {name: int(rng.random() >= gap) for name in ("act", "res")}
        stall_cause = Cause(int(rng.choice([Cause.IDLE, Cause.DEPEND, Cause.OUTPUT])))
        dut.act_ready.value, dut.res_ready.value = ready["act"], ready["res"]
        dut.tile_next.value, dut.stall_cause.value = tile_ready or waiting == 1, int(stall_cause)
        dut.requests_valid.value = offered is not None
        if offered is not None:
            dut.requests_payload.value = offered
        await ReadOnly()

        token = held[0] if held else None
        wanted, cause = None, stalled_by
        if token and token["first"] and not (tile_ready and since >= STREAM_REVISIT):
            cause = Cause.SHORT if age < short_for or since < STREAM_REVISIT else Cause.TILE
        elif token:
            wanted, cause = "res" if token["residual"] else "act", Cause.BANK
        issue = wanted is not None and ready[wanted]
        cause = Cause.STREAM if issue else cause
        for name in ("act", "res"):
            assert_equal(f"{name}_valid", int(dut[f"{name}_valid"].value), int(wanted == name))
        assert_equal("issue", int(dut.issue.value), int(issue))
        assert_equal("started", int(dut.started.value), int(issue and token["first"]))
        assert_equal("ends", int(dut.ends.value), int(issue and token["final"]))
        assert_equal("cause", int(dut.cause.value), int(cause))
        if wanted:
            assert_equal("token", int(dut.token.value), token["word"])
        accepts = len(held) < PLACE
        assert_equal("ready", int(dut.requests_ready.value), int(accepts))

        # What this cycle changes.
        age, stalled_by = age + 1, stall_cause
        since += not (token and not token["first"] and not issue)
        if issue:
            if token["first"]:
                age = since = 1
            issued += 1
            if held.popleft()["first"]:
                tile_ready, waiting = False, int(rng.choice([1, 1 + config.rows, rng.integers(1, 40)]))
        if offered is not None and accepts:
            held.append({"word": offered, "first": offered_first, "residual": residual, "final": final})
            offered = None
        await FallingEdge(dut.clk)
    assert issued > CYCLES // 10, f"only {issued} tokens were issued"
