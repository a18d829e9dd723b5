"""Sram in Verilator, with one to four banks at once, and with banks of more than a block of memory."""

from pathlib import Path

from pointwise.hw.engine.banked_address import BankedAddress
from pointwise.hw.engine.sram import BLOCK_WORDS, Sram
from pointwise.hw.verilog import to_verilog
from pointwise.sim.bench import bench
from tests.hw.side_by_side import SideBySide

SHAPES = {
    "one": {"words": 1, "lanes": 1, "lane_bits": 8, "banks": 1},
    "two": {"words": 10, "lanes": 3, "lane_bits": 16, "banks": 2},
    "three": {"words": 3, "lanes": 2, "lane_bits": 8, "banks": 3},
    "four": {"words": 64, "lanes": 16, "lane_bits": 8, "banks": 4},
    "blocks": {"words": 2 * (BLOCK_WORDS + 2), "lanes": 1, "lane_bits": 8, "banks": 2},
}


def test_sram():
    units = {
        name: Sram(
            BankedAddress(shape["words"], shape["banks"]),
            shape["lanes"],
            shape["lane_bits"],
            readers=3,
            writers=2,
        )
        for name, shape in SHAPES.items()
    }
    verilog = to_verilog(SideBySide(units), "srams")
    bench([verilog], "srams", Path(__file__).with_name("bench_sram.py"), config=SHAPES)
