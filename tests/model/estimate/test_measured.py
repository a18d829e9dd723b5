"""Estimates against cores that were simulated, gate by gate.

``measured.json`` holds for each point the command that gives it, the core's configuration, the memory, and
what the core's counters said.
"""

import json
from pathlib import Path

import pytest

from pointwise.hw.contract.config import CoreConfig
from pointwise.hw.contract.registers import Cause
from pointwise.model.compiler.shapes import Shape
from pointwise.model.estimate import Memory, estimate, weightless
from pointwise.model.networks import network

DATA = json.loads(Path(__file__).with_name("measured.json").read_text())
POINTS = DATA["points"]
TOLERANCE, STALLED_TOLERANCE = 0.005, 0.01
"""Of all cycles. Where the bus stalls at random the estimate is of a mean, and a full bus loses more."""
FULL_TOLERANCE = 0.022
"""Where a row of the stream takes two beats of a bus that pauses besides: everything waits for it then."""
START = 48
"""Cycles by which the order of the first bursts may move a run besides."""


def name_of(point: dict) -> str:
    """A readable name of a point."""
    config = point["config"]
    array = f"{config['rows']}x{config['cols']}x{config['post_lanes']}"
    memory = f"latency{point['latency']}-stall{point['stall']:g}"
    return f"{point['network']}-{array}-{config['axi_data_width']}bit-{memory}"


@pytest.mark.parametrize("point", POINTS, ids=name_of)
def test_near_what_was_measured(point: dict) -> None:
    """Cycles, and what every cause takes of them."""
    shifts = DATA["shifts"].get(point["network"], True)
    subject = weightless(Shape.of(network(point["network"])), point["network"], shifts=shifts)
    memory = Memory(point["latency"], point["stall"] / 100)
    config, pauses = CoreConfig.from_dict(point["config"]), point["stall"] or point["latency"] > 100
    found = estimate(subject, config, memory)
    tolerance = STALLED_TOLERANCE if point["stall"] else TOLERANCE
    if point["network"] == "micro" and config.row_bytes > config.bus_bytes and pauses:
        tolerance = FULL_TOLERANCE
    most = tolerance * point["cycles"] + START
    assert abs(found.cycles - point["cycles"]) <= most
    for cause in Cause:
        assert abs(found.causes[cause] - point["causes"][cause.name]) <= most, cause
    assert found.causes[Cause.STREAM] == point["causes"]["STREAM"]


def test_points_are_counters() -> None:
    """The recorded causes add up, as the core's do, and every cause that costs time is met."""
    met = set()
    for point in POINTS:
        assert sum(point["causes"].values()) == point["cycles"], name_of(point)
        met |= {cause for cause, cycles in point["causes"].items() if cycles}
    assert met == {cause.name for cause in Cause}
