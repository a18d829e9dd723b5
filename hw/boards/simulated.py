"""No board: the same system with plain pins and no vendor's primitives, for a Verilog simulator.

The PLL is left out: ``clk`` and ``rst`` are pins. The SDRAM's pins are those of a 32 MB chip. On a board it
is clocked a quarter of a period after ``clk``; in a simulation without delays take the falling edge.
"""

from pathlib import Path

from litedram.modules import MT48LC16M16
from litedram.phy import GENSDRPHY
from litex.build.generic_platform import GenericPlatform, Pins, Subsignal
from litex.gen import LiteXModule
from migen import ClockDomain, Signal

from hw.contract.config import CoreConfig

from .soc import PointwiseSoC

CLOCKS_A_BIT = 4
"""Of the UART: as fast as the bridge can be, so that a simulation is not spent on it."""

_IO = [
    ("clk", 0, Pins(1)),
    ("rst", 0, Pins(1)),
    ("serial", 0, Subsignal("tx", Pins(1)), Subsignal("rx", Pins(1))),
    ("user_led", 0, Pins(1)),
    ("user_led", 1, Pins(1)),
    (
        "sdram",
        0,
        *(Subsignal(name, Pins(1)) for name in ("cke", "cs_n", "ras_n", "cas_n", "we_n")),
        Subsignal("a", Pins(13)),
        Subsignal("ba", Pins(2)),
        Subsignal("dq", Pins(16)),
        Subsignal("dm", Pins(2)),
    ),
]


class _CRG(LiteXModule):
    def __init__(self, platform: GenericPlatform) -> None:
        self.rst = Signal()
        self.cd_sys = ClockDomain()
        self.comb += [
            self.cd_sys.clk.eq(platform.request("clk")),
            self.cd_sys.rst.eq(platform.request("rst") | self.rst),
        ]


def make(config: CoreConfig, clock_hz: int, folder: Path) -> PointwiseSoC:
    """The system with plain pins; its Verilog goes into ``folder``."""
    platform = GenericPlatform("simulation", _IO)
    return PointwiseSoC(
        platform,
        _CRG(platform),
        clock_hz,
        config,
        folder,
        phy=GENSDRPHY(platform.request("sdram"), clock_hz),
        sdram=MT48LC16M16(clock_hz, "1:1"),
        baud=clock_hz // CLOCKS_A_BIT,
        leds=platform.request_all("user_led"),
    )
