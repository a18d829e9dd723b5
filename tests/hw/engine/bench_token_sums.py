"""Sums over random walks against the integer model, and the cycle in which they come."""

import cocotb
import numpy as np
from driver import assert_equal, generator, play, start
from sequences import walk

from pointwise.hw.contract.config import MAX_CHANNELS, CoreConfig
from pointwise.hw.engine.layernorm import SQUARES_BITS, TOTAL_BITS
from pointwise.hw.engine.token_sums import TokenSums
from pointwise.model.integer.layernorm import token_sums
from pointwise.sim.bench import bench_config
from pointwise.sim.lanes import pack_rows, unpack_rows

REVISIT = 4


@cocotb.test()
async def equals_the_model(dut):
    config = CoreConfig(**bench_config())
    latency = TokenSums(config).latency
    rng = generator()
    flags = ("valid", "first_group", "last_group", "first_tile", "last_tile", "token")
    await start(dut, [*flags, "values", "mask"])
    steps = walk(rng, config, -32768, 32767, convs=60, revisit=REVISIT, widest=MAX_CHANNELS)
    inputs = {name: getattr(steps, name) for name in flags}
    inputs["valid"] = [*steps.valid, 0]
    inputs |= {"values": pack_rows(steps.values, 16), "mask": pack_rows(steps.mask.astype(int), 1)}
    inputs = {name: [*values, 0][: len(steps.valid) + 1] for name, values in inputs.items()}
    seen = await play(dut, inputs, ["out_valid", "out_token", "total", "squares"], after=latency - 1)
    seen = {name: values[latency:] for name, values in seen.items()}

    complete = (steps.valid & steps.last_group & steps.last_tile).astype(bool)
    assert_equal("out_valid", seen["out_valid"], complete)
    places = np.flatnonzero(complete)
    assert_equal("token", np.array(seen["out_token"])[places], steps.token[places])
    masked = np.where(steps.mask, steps.values, 0)
    want = []
    for place in places:
        row = (steps.valid == 1) & (steps.conv == steps.conv[place]) & (steps.token == steps.token[place])
        want.append([int(value) for value in token_sums(masked[row].ravel())])
    got = np.stack(
        [
            unpack_rows([seen["total"][place] for place in places], 1, TOTAL_BITS, signed=True)[:, 0],
            unpack_rows([seen["squares"][place] for place in places], 1, SQUARES_BITS, signed=False)[:, 0],
        ],
        axis=1,
    )
    assert_equal("sums", got, want)
