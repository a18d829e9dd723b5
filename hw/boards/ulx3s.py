"""The ULX3S with an ECP5-85F (LFE5U-85F-6BG381C) and 32 MB of SDRAM."""

from pathlib import Path

from litedram.modules import MT48LC16M16
from litex_boards.platforms import radiona_ulx3s
from litex_boards.targets.radiona_ulx3s import _CRG

from pointwise.hw.contract.config import CoreConfig

from .clocking import Clocking
from .soc import PointwiseSoC

BAUD = 3_000_000
"""The fastest that the board's USB bridge (FT231X) does."""


def make(config: CoreConfig, clock_hz: int, folder: Path) -> PointwiseSoC:
    """The system on this board; its Verilog goes into ``folder``."""
    clocking = Clocking.of(clock_hz)
    platform = radiona_ulx3s.Platform(device="LFE5U-85F", revision="2.0", toolchain="trellis")
    crg = _CRG(platform, clocking.sys_hz, sdram_rate=clocking.rate)
    return PointwiseSoC(
        platform,
        crg,
        clocking,
        config,
        folder,
        pads=platform.request("sdram"),
        chip=MT48LC16M16,
        baud=BAUD,
        leds=platform.request_all("user_led"),
    )
