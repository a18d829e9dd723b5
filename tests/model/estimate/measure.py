"""Measure the points of ``measured.json`` again: ``python tests/model/estimate/measure.py [network]``.

Cycles do not depend on values, so networks without weights are compiled and run in RTL. After a change of
the hardware's timing, run this and then the tests: they tell how far the estimates are off.
"""

import json
import sys
from pathlib import Path

import numpy as np
from rich.progress import track

from pointwise.hw.contract.config import CoreConfig
from pointwise.hw.contract.files import write_file
from pointwise.hw.contract.registers import Cause
from pointwise.model.compiler import compile_network
from pointwise.model.compiler.shapes import Shape
from pointwise.model.estimate import weightless
from pointwise.model.networks import network
from pointwise.sim.compare import check_errors
from pointwise.sim.system.run import run_core
from pointwise.sim.system.testbench import build_core

PATH = Path(__file__).with_name("measured.json")
CYCLES = 100_000_000
CHANNELS = ("ar", "aw", "w", "r", "b")


def measure(point: dict, shifts: bool | list[str]) -> dict:
    """The point with what the core's counters say now."""
    config = CoreConfig.from_dict(point["config"])
    subject = weightless(Shape.of(network(point["network"])), point["network"], shifts=shifts)
    compiled = compile_network(subject, config)
    image = np.zeros(subject.input.shape, np.int8)
    stalls = {f"stall_{channel}": round(10 * point["stall"]) for channel in CHANNELS}
    memory = {"latency": point["latency"], **(stalls if point["stall"] else {})}
    block = compiled.pack_input(image)
    simulator = build_core(config)
    result = run_core(simulator, compiled, [block], plusargs=memory, timeout_cycles=CYCLES)
    check_errors(result)
    run = result.images[0]
    return point | {"cycles": run.cycles, "causes": {cause.name: run.causes[cause] for cause in Cause}}


def main(wanted: str | None) -> None:
    """All points, or those of one network."""
    data = json.loads(PATH.read_text())
    points = data["points"]
    for index in track([i for i, p in enumerate(points) if wanted in (None, p["network"])], "measuring"):
        shifts = data["shifts"].get(points[index]["network"], True)
        points[index] = measure(points[index], shifts)
    write_file(PATH, (json.dumps(data, indent=1) + "\n").encode())


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else None)
