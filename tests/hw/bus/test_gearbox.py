"""Width converters, those that come in with the truncator of packets, for many pairs of widths at once."""

from functools import cache
from pathlib import Path

import pytest
from amaranth.hdl import Module
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from pointwise.hw.bus.gearbox import InputWidthConverter, OutputWidthConverter, PacketTruncator, TaggedBeat
from pointwise.hw.verilog import to_verilog
from pointwise.sim.bench import bench
from tests.hw.side_by_side import SideBySide, refusal

BENCH = Path(__file__).with_name("bench_gearbox.py")
PAIRS = [(32, 8), (32, 32), (32, 512), (64, 128), (128, 16), (128, 128), (512, 8), (512, 256), (8, 32)]
"""(bits of a beat, bits of an item)"""


class Trimmed(wiring.Component):
    """An unpacker with a trimmer behind it."""

    def __init__(self, beat_bits: int, item_bits: int) -> None:
        self.beat_bits, self.item_bits = beat_bits, item_bits
        super().__init__(
            {
                "beats": In(stream.Signature(TaggedBeat(beat_bits))),
                "items": Out(stream.Signature(item_bits)),
                "flush": In(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.unpacker = unpacker = InputWidthConverter(self.beat_bits, self.item_bits)
        m.submodules.trimmer = trimmer = PacketTruncator(self.item_bits)
        wiring.connect(m, wiring.flipped(self.beats), unpacker.beats)
        wiring.connect(m, unpacker.items, trimmer.blocks)
        wiring.connect(m, trimmer.items, wiring.flipped(self.items))
        m.d.comb += trimmer.flush.eq(self.flush)
        return m


@cache
def verilog() -> str:
    units = {}
    for beat, item in PAIRS:
        units[f"unpack_{beat}_{item}"] = Trimmed(beat, item)
        units[f"pack_{item}_{beat}"] = OutputWidthConverter(item, beat)
    return to_verilog(SideBySide(units), "gearboxes")


@pytest.mark.parametrize(("stall", "test"), [(0, "blocks"), (0.4, "blocks"), (0, "rate")])
def test_gearboxes(stall, test):
    config = {"pairs": PAIRS, "stall": stall, "blocks": 25}
    bench([verilog()], "gearboxes", BENCH, config=config, testcase=f"\\.{test}$")


@pytest.mark.parametrize("widths", [(24, 8), (8, 4)])
def test_widths_must_be_powers_of_two(widths):
    assert "powers of two" in refusal(lambda: OutputWidthConverter(*widths))
