"""Packer and Unpacker for many pairs of widths, side by side in one simulator."""

from pathlib import Path

import pytest

from hw.bus.gearbox import Packer, Unpacker
from hw.verilog import to_verilog
from sim.bench import bench
from tests.hw.side_by_side import SideBySide, refusal

BENCH = Path(__file__).with_name("bench_gearbox.py")
PAIRS = [(32, 8), (32, 32), (32, 512), (64, 128), (128, 16), (128, 128), (512, 8), (512, 256), (8, 32)]
"""(bits of a beat, bits of an item)"""


@pytest.mark.parametrize(("stall", "test"), [(0, "blocks"), (0.4, "blocks"), (0, "rate")])
def test_gearboxes(stall, test):
    config = {"pairs": PAIRS, "stall": stall, "blocks": 25}
    units = {}
    for beat, item in PAIRS:
        units[f"unpack_{beat}_{item}"] = Unpacker(beat, item)
        units[f"pack_{item}_{beat}"] = Packer(item, beat)
    verilog = to_verilog(SideBySide(units), "gearboxes")
    bench([verilog], "gearboxes", BENCH, config=config, testcase=f"\\.{test}$")


@pytest.mark.parametrize("widths", [(24, 8), (8, 4)])
def test_widths_must_be_powers_of_two(widths):
    assert "powers of two" in refusal(lambda: Packer(*widths))
