"""Row sums of random exponentials and their reciprocals, each read in the first cycle in which it can be."""

import cocotb
import numpy as np
from driver import assert_equal, generator, pack_fields, play, start

from pointwise.hw.contract.config import MAX_CHANNELS, CoreConfig
from pointwise.hw.engine.denominator import Denominator
from pointwise.hw.engine.tags import RECIPROCAL, TokenTag
from pointwise.model.integer.interpolation import reciprocal
from pointwise.sim.bench import bench_config
from pointwise.sim.lanes import pack_rows

REVISIT = 4
CONVS = 40
FULL = {1: MAX_CHANNELS, 2: 1028, 3: 1029}
"""Channels of the convolutions whose exponentials are all 255: the most, and on both sides of 18 bits."""


@cocotb.test()
async def equals_the_model(dut):
    config = CoreConfig(**bench_config())
    latency = Denominator(config).latency
    rng = generator()
    await start(dut, ["valid", "tag", "token", "slot", "read_token"])
    rows: list[tuple] = []  # valid, counts, first, last, slot, token, lanes, total so far
    for conv in range(CONVS):
        tokens = config.max_tokens if conv == 0 else int(rng.integers(1, min(8, config.max_tokens) + 1))
        channels = FULL.get(conv, config.rows * int(rng.integers(1, 9)))
        tiles = -(-channels // config.rows)
        slot, gap = int(rng.integers(0, 2)), rng.choice([0.0, 0.3])
        counts = int(conv in FULL or rng.random() < 0.8)  # only the first N-tile of exponentials does
        ceiling = rng.choice([0, 1, 255, 255])
        totals = np.zeros(tokens, int)
        for tile in range(tiles):
            for token in range(tokens):
                while rng.random() < gap:
                    rows.append((0, 1, *rng.integers(0, 2, 3), token, rng.integers(0, 256, config.rows), 0))
                lanes = rng.integers(0, ceiling + 1, config.rows)
                if conv in FULL:
                    lanes = np.where(tile * config.rows + np.arange(config.rows) < channels, 255, 0)
                totals[token] += lanes.sum()
                place = (tile == 0, tile == tiles - 1)
                rows.append((1, counts, *place, slot, token, lanes, totals[token]))
            for _ in range(max(0, REVISIT - tokens)):
                rows.append((0, 1, 0, 1, slot, 0, np.zeros(config.rows, int), 0))
    valid, counts, first, last, slot, token, lanes, totals = (
        np.array(column) for column in zip(*rows, strict=True)
    )
    tag = {"token": token, "first": first, "last": last, "sum_add": counts, "sum_slot": slot}
    idle = [0] * latency
    seen = await play(
        dut,
        {
            "valid": [*valid, *idle],
            "tag": [*pack_fields(TokenTag(config), **tag), *idle],
            "token": [*pack_rows(lanes, 9), *idle],
            "slot": [*idle, *slot],
            "read_token": [*idle, *token],
        },
        ["reciprocal"],
        after=1,
    )
    # At a token's last K-tile its reciprocal is new or, where nothing counts, what was there before.
    kept: dict[tuple[int, int], int] = {}
    want, places = [], []
    for cycle in np.flatnonzero(valid & last):
        entry = (slot[cycle], token[cycle])
        if counts[cycle]:
            mult, leading = reciprocal(np.maximum(totals[cycle], 1))
            kept[entry] = pack_fields(RECIPROCAL, mult=mult, leading=leading)
        if entry in kept:
            want.append(int(kept[entry]))
            places.append(cycle)
    assert_equal("reciprocal", np.array(seen["reciprocal"][latency + 1 :])[places], want)
