"""The three prologues, mixed from cycle to cycle, against the integer model."""

import cocotb
import numpy as np
from driver import assert_equal, generator, pack_fields, play, start

from pointwise.hw.contract.config import CoreConfig
from pointwise.hw.contract.isa import Prologue as Kind
from pointwise.hw.contract.stream import TABLE_ENTRIES, table_lanes
from pointwise.hw.engine.prologue import Prologue
from pointwise.hw.engine.tags import NORM_STATISTICS, TokenTag
from pointwise.model.integer.layernorm import normalise
from pointwise.model.integer.softmax import exponentials
from pointwise.sim.bench import bench_config
from pointwise.sim.lanes import pack_rows, unpack_rows

SEGMENT = 600
"""Cycles in which one bank of the exponential table is read while the other one is written."""
SEGMENTS = 4
INPUTS = ("valid", "tag", "act_word", "res_word", "statistics", "row_max", "shifts")
WRITES = ("table_write", "table_bank", "table_index", "table_data")


def extremes(rng: np.random.Generator, low: int, high: int, shape: tuple[int, ...]) -> np.ndarray:
    """low..high with both ends, and the middle, often."""
    values = rng.integers(low, high + 1, shape)
    return np.where(rng.random(shape) < 0.2, rng.choice([low, high, (low + high + 1) // 2], shape), values)


@cocotb.test()
async def equals_the_model(dut):
    config = CoreConfig(**bench_config())
    rng, rows, cycles = generator(), config.rows, SEGMENT * SEGMENTS
    layout = TokenTag(config)
    await start(dut, [*INPUTS, *WRITES])

    # Segment s reads bank s & 1 and fills the other; what is played before it fills bank 0.
    tables = rng.integers(0, 256, (SEGMENTS + 1, TABLE_ENTRIES))
    segment = np.arange(cycles) // SEGMENT
    lanes = table_lanes(config)
    words = TABLE_ENTRIES // lanes
    step = np.minimum(np.arange(cycles) % SEGMENT, words)
    entries = [pack_rows(table.reshape(words, lanes), 8) for table in tables]
    await play(
        dut,
        {"table_write": [1] * words + [0], "table_index": [*range(words), 0], "table_data": [*entries[0], 0]},
        [],
    )

    kind = rng.integers(0, 3, cycles)
    tag = {
        "prologue": kind,
        "in_unsigned": rng.integers(0, 2, cycles),
        "outside": rng.integers(0, 2, cycles) * (kind == Kind.PLAIN),
        "pad": rng.integers(0, 256, cycles),
        "maximum": rng.integers(0, 2, cycles),
        "lanes": extremes(rng, 1, rows, (cycles,)),
        "swap": rng.integers(0, 2, cycles),
        "shifts": rng.integers(0, 2, cycles),
        "parity": rng.integers(0, 2, cycles),
        "exp_bank": segment & 1,
        "token": rng.integers(0, config.max_tokens, cycles),
        "first": rng.integers(0, 2, cycles),
        "last": rng.integers(0, 2, cycles),
        "sum_add": rng.integers(0, 2, cycles),
        "sum_slot": rng.integers(0, 2, cycles),
    }
    tags = pack_fields(layout, **tag)
    valid = rng.integers(0, 2, cycles)
    inside = np.arange(rows) < tag["lanes"][:, None]
    act = extremes(rng, -128, 127, (cycles, rows))
    res = extremes(rng, -32768, 32767, (cycles, rows))
    row_max = np.where(inside, act, -128).max(axis=1)
    row_max = np.where(rng.random(cycles) < 0.2, 127, row_max)
    # μ in halves has the range of x and a little more; factors of every size, so that all bits count.
    mean = extremes(rng, -65537, 65535, (cycles,))
    mult = extremes(rng, 0, 65535, (cycles,))
    shift = np.where(rng.random(cycles) < 0.8, rng.integers(8, 32, cycles), rng.integers(1, 64, cycles))
    channel = rng.integers(0, 16, (cycles + 2, 2, rows)) * rng.integers(0, 2, (cycles + 2, 1, 1))
    chosen = channel[np.arange(cycles) + 1, tag["parity"]]  # chosen one cycle after the token came
    chosen = chosen * tag["shifts"][:, None]

    seen = await play(
        dut,
        {
            "valid": [*valid, 0, 0],
            "tag": [*tags, 0, 0],
            "act_word": [*pack_rows(act, 8), 0, 0],
            "res_word": [*pack_rows(res, 16), 0, 0],
            "statistics": [*pack_fields(NORM_STATISTICS, mean=mean, mult=mult, shift=shift), 0, 0],
            "row_max": [*(row_max & 255), 0, 0],
            "shifts": pack_rows(channel.reshape(cycles + 2, -1), 4),
            "table_write": [*(step < words), 0, 0],
            "table_bank": [*(1 - (segment & 1)), 0, 0],
            "table_index": [*(step % words), 0, 0],
            "table_data": [*(entries[s + 1][w % words] for s, w in zip(segment, step, strict=True)), 0, 0],
        },
        ["out_valid", "out_tag", "token"],
        after=Prologue.LATENCY,
    )
    flight = slice(Prologue.LATENCY, Prologue.LATENCY + cycles)
    assert_equal("valid", seen["out_valid"][flight], valid)
    assert_equal("tag", seen["out_tag"][flight], tags)
    word = np.where(tag["outside"][:, None] == 1, tag["pad"][:, None].astype(np.int8), act)
    plain = np.where(tag["in_unsigned"][:, None] == 1, word & 255, word)
    scores = np.where(inside, act, -128)
    exponential = np.stack([exponentials(*row) for row in zip(scores, row_max, tables[segment], strict=True)])
    want = np.where((kind == Kind.NORMALISE)[:, None], normalise(res, mean, mult, shift, chosen), plain)
    want = np.where((kind == Kind.EXPONENTIAL)[:, None], exponential, want)
    assert_equal("token", unpack_rows(seen["token"][flight], rows, 9, signed=True), np.where(inside, want, 0))
