"""Plays scripts on the inputs of a checker: one mapping of port to value a cycle, other ports at rest."""

import json
from pathlib import Path

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import RisingEdge

from pointwise.sim.bench import bench_config


@cocotb.test()
async def play(dut):
    """Each script after two cycles of reset; notes how many violations it brought and if it ended idle."""
    config = bench_config()
    rest, scripts, notes = config["rest"], config["scripts"], {}
    ports = {name for script in scripts.values() for step in script for name in step} | set(rest) | {"rst"}
    Clock(dut.clk, 10, unit="ns").start()
    for title, script in scripts.items():
        before = int(dut.violations.value)
        for step in [{"rst": 1}, {"rst": 1}, *script, {}]:
            for name in ports:
                getattr(dut, name).value = step.get(name, rest.get(name, 0))
            await RisingEdge(dut.clk)
        idle = bool(int(dut.idle.value))
        await RisingEdge(dut.clk)
        notes[title] = [int(dut.violations.value) - before, idle]
        assert bool(int(dut.error.value)) == (int(dut.violations.value) > 0)
    Path(config["notes"]).write_text(json.dumps(notes))
