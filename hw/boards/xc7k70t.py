"""A Kintex-7 XC7K70T board with 16 MB of SDRAM, as LiteX's ``aliexpress_xc7k70t`` describes it."""

from pathlib import Path

from litedram.modules import W9812G6JB
from litedram.phy import GENSDRPHY
from litex.build.io import DDROutput
from litex_boards.platforms import aliexpress_xc7k70t
from litex_boards.targets.aliexpress_xc7k70t import CRG
from migen import ClockSignal

from hw.contract.config import CoreConfig

from .soc import PointwiseSoC

BAUD = 1_000_000
"""What every USB-to-serial adapter on the board's header does."""


def make(config: CoreConfig, clock_hz: int, folder: Path) -> PointwiseSoC:
    """The system on this board; its Verilog goes into ``folder``."""
    platform = aliexpress_xc7k70t.Platform()
    crg = CRG(platform, clock_hz, sdram_rate="1:1")
    crg.specials += DDROutput(1, 0, platform.request("sdram_clock"), ClockSignal("sys_ps"))
    return PointwiseSoC(
        platform,
        crg,
        clock_hz,
        config,
        folder,
        phy=GENSDRPHY(platform.request("sdram"), clock_hz),
        sdram=W9812G6JB(clock_hz, "1:1"),
        baud=BAUD,
        leds=platform.request_all("user_led"),
    )
