"""Reads of one bank while the other one is written, in every order."""

import cocotb
import numpy as np
from driver import assert_equal, generator, play, start

from pointwise.hw.contract.timing import TABLE_BANKS
from pointwise.hw.engine.table import LookupTable
from pointwise.sim.bench import bench_config
from pointwise.sim.lanes import pack_rows, unpack_rows

CYCLES = 3000
ENTRIES = 256


@cocotb.test()
async def equals_an_array(dut):
    readers, lanes = bench_config()["readers"], bench_config()["lanes"]
    words = ENTRIES // lanes
    rng = generator()
    contents = rng.integers(0, 256, (TABLE_BANKS, ENTRIES))
    filled = {
        "entries_write": [1] * TABLE_BANKS * words,
        "entries_bank": np.arange(TABLE_BANKS * words) // words,
        "entries_index": np.arange(TABLE_BANKS * words) % words,
        "entries_data": pack_rows(contents.reshape(-1, lanes), 8),
    }
    await start(dut, [*filled, "read_bank", "wanted", "index"])
    await play(dut, filled, [])
    wanted = rng.integers(0, 2, CYCLES)
    bank, index = rng.integers(0, 2, CYCLES), rng.integers(0, ENTRIES, (CYCLES, readers))
    write, word, values = (
        rng.integers(0, 2, CYCLES),
        rng.integers(0, words, CYCLES),
        rng.integers(0, 256, (CYCLES, lanes)),
    )
    inputs = {
        "entries_write": write,
        "entries_bank": 1 - bank,
        "entries_index": word,
        "entries_data": pack_rows(values, 8),
    }
    inputs |= {"read_bank": bank, "wanted": wanted, "index": pack_rows(index, 8)}
    seen = await play(dut, inputs, ["value"], after=LookupTable.LATENCY)
    want = []
    for cycle in range(CYCLES):
        want.append(contents[bank[cycle], index[cycle]] * wanted[cycle])
        if write[cycle]:
            contents[1 - bank[cycle]].reshape(words, lanes)[word[cycle]] = values[cycle]
    assert_equal("value", unpack_rows(seen["value"][LookupTable.LATENCY :], readers, 8, signed=False), want)
