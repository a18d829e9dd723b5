"""The cocotb side: images in turn, and clears between them, on a core that is reset but once."""

import json
from pathlib import Path

import cocotb

from pointwise.hw.contract.isa import Base
from pointwise.sim.bench import bench_config
from pointwise.sim.system.bench_core import CLEAR, Host


@cocotb.test()
async def run_hostile(dut) -> None:
    """Writes the registers after each run to ``results``, then dumps the whole memory."""
    plan = bench_config()
    host = Host(dut, plan["timeout_cycles"])
    await host.start(plan["watchdog"])
    results = []
    for number, windows in enumerate(plan["runs"]):
        if windows is None:
            results.append(await host.run(f"clear {number}", CLEAR))
            continue
        for base, (first, size) in zip(Base, windows, strict=True):
            await host.place(base, first, size)
        results.append(await host.run(f"run {number}"))
    Path(plan["results"]).write_text(json.dumps(results))
    await host.dump(0, plan["memory_bytes"])
