"""No board: the same system with plain pins and no vendor's primitives, for a Verilog simulator.

The PLL is left out: ``clk``, ``clk2x`` and ``rst`` are pins, and both clocks rise together. The SDRAM's pins
are those of a 32 MB chip. It is clocked half a period of ``clk2x`` later, as on the boards.
"""

from pathlib import Path

from litedram.modules import MT48LC16M16
from litex.build.generic_platform import GenericPlatform, Pins, Subsignal
from litex.gen import LiteXModule
from migen import ClockDomain, Signal

from pointwise.hw.contract.config import CoreConfig

from .clocking import Clocking
from .soc import PointwiseSoC

CLOCKS_A_BIT = 4
"""Of the UART: as fast as the bridge can be, so that a simulation is not spent on it."""

_IO = [
    ("clk", 0, Pins(1)),
    ("clk2x", 0, Pins(1)),
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
        self.cd_sys2x = ClockDomain()
        rst = platform.request("rst")
        self.comb += [
            self.cd_sys.clk.eq(platform.request("clk")),
            self.cd_sys2x.clk.eq(platform.request("clk2x")),
            self.cd_sys.rst.eq(rst | self.rst),
            self.cd_sys2x.rst.eq(rst | self.rst),
        ]


def make(config: CoreConfig, clock_hz: int, folder: Path) -> PointwiseSoC:
    """The system with plain pins; its Verilog goes into ``folder``."""
    clocking = Clocking(clock_hz, half=True)
    platform = GenericPlatform("simulation", _IO)
    return PointwiseSoC(
        platform,
        _CRG(platform),
        clocking,
        config,
        folder,
        pads=platform.request("sdram"),
        chip=MT48LC16M16,
        baud=clocking.sys_hz // CLOCKS_A_BIT,
        leds=platform.request_all("user_led"),
    )
