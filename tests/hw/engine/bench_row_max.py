"""Row maxima over random walks, each read in the first cycle in which it can be read."""

import cocotb
import numpy as np
from driver import assert_equal, generator, play, start
from sequences import walk

from pointwise.hw.contract.config import CoreConfig
from pointwise.hw.engine.row_max import RowMax
from pointwise.sim.bench import bench_config
from pointwise.sim.lanes import pack_rows, unpack_rows

REVISIT = 4
INPUTS = ("valid", "values", "mask", "first_group", "last_group", "first_tile", "slot", "token")


@cocotb.test()
async def equals_the_model(dut):
    config = CoreConfig(**bench_config())
    latency = RowMax(config).latency
    rng = generator()
    await start(dut, [*INPUTS, "read_slot", "read_token"])
    steps = walk(rng, config, -128, 127, convs=60, revisit=REVISIT)
    cycles = len(steps.valid)
    slot = rng.integers(0, 2, steps.conv.max() + 1)[steps.conv]
    idle = np.zeros(latency, int)
    after = idle[:, None].repeat(config.post_lanes, axis=1)
    seen = await play(
        dut,
        {
            "valid": [*steps.valid, *idle],
            "values": pack_rows(np.concatenate([steps.values, after]), 8),
            "mask": pack_rows(np.concatenate([steps.mask, after]).astype(int), 1),
            "first_group": [*steps.first_group, *idle],
            "last_group": [*steps.last_group, *idle],
            "first_tile": [*steps.first_tile, *idle],
            "slot": [*slot, *idle],
            "token": [*steps.token, *idle],
            "read_slot": [*idle, *slot],
            "read_token": [*idle, *steps.token],
        },
        ["row_max"],
        after=1,
    )
    # The maximum so far is what can be read ``latency`` cycles after a token's last group.
    maxima: dict[tuple[int, int], int] = {}
    want = np.zeros(cycles, int)
    for cycle in np.flatnonzero(steps.valid):
        row = (steps.conv[cycle], steps.token[cycle])
        inside = steps.values[cycle][steps.mask[cycle]]
        maxima[row] = want[cycle] = max([maxima.get(row, -128), *inside])
    complete = (steps.valid & steps.last_group).astype(bool)
    got = unpack_rows(seen["row_max"][latency + 1 :], 1, 8, signed=True)[:, 0]
    assert_equal("row maximum", got[complete], want[complete])
