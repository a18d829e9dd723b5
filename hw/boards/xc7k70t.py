"""A Kintex-7 XC7K70T board with 16 MB of SDRAM, as LiteX's ``aliexpress_xc7k70t`` describes it."""

from pathlib import Path

from litedram.modules import W9812G6JB
from litex.build.io import DDROutput
from litex_boards.platforms import aliexpress_xc7k70t
from litex_boards.targets.aliexpress_xc7k70t import CRG
from migen import ClockSignal

from pointwise.hw.contract.config import CoreConfig

from .clocking import Clocking
from .soc import PointwiseSoC

BAUD = 1_000_000
"""What every USB-to-serial adapter on the board's header does."""


def make(config: CoreConfig, clock_hz: int, folder: Path) -> PointwiseSoC:
    """The system on this board; its Verilog goes into ``folder``."""
    clocking = Clocking.of(clock_hz)
    platform = aliexpress_xc7k70t.Platform()
    crg = CRG(platform, clocking.sys_hz, sdram_rate=clocking.rate)
    crg.specials += DDROutput(1, 0, platform.request("sdram_clock"), ClockSignal(clocking.chip_domain))
    return PointwiseSoC(
        platform,
        crg,
        clocking,
        config,
        folder,
        pads=platform.request("sdram"),
        chip=W9812G6JB,
        baud=BAUD,
        leds=platform.request_all("user_led"),
    )
