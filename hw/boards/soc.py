"""A system around the core, the same on every board: no processor, a host behind a UART instead.

The host reads and writes the whole address space through LiteX's UART bridge: the SDRAM, the core's
registers, and LiteX's own control registers, with which it brings the SDRAM up.
"""

from pathlib import Path

from litedram.core import LiteDRAMCore
from litedram.frontend.axi import LiteDRAMAXI2Native
from litex.gen import LiteXModule
from litex.soc.integration.soc import SoCRegion
from litex.soc.integration.soc_core import SoCMini
from litex.soc.interconnect.axi import AXIInterface
from migen import Cat, Signal

from hw.contract.config import CoreConfig

from .litex_core import PointwiseCore

CORE_BASE = 0x3000_0000
"""Where the host finds the core's registers, on every board."""
SDRAM_BASE = 0x4000_0000
"""Where host and core find the SDRAM, on every board."""
CORE_REGION_BYTES = 0x1000
BRIDGE_DELAY = 16
"""Beats that the bridge between AXI4 and SDRAM holds for reads, and for writes."""


class PointwiseSoC(SoCMini):
    """Core, SDRAM and UART bridge; clocks and pins come from the board.

    Args:
        platform: LiteX's platform of the board.
        crg: the board's clocks and reset, with the domain ``sys``.
        clock_hz: frequency of ``sys``.
        config: the core.
        folder: where the core's Verilog goes.
        phy: LiteDRAM's physical layer for the board's SDRAM.
        sdram: LiteDRAM's description of the chip.
        baud: of the UART bridge.
        leds: pins that show life; the first blinks, the last is the interrupt.
    """

    def __init__(
        self,
        platform: object,
        crg: object,
        clock_hz: int,
        config: CoreConfig,
        folder: Path,
        *,
        phy: object,
        sdram: object,
        baud: int,
        leds: object = None,
    ) -> None:
        self.core_config, self.baud, self.clock_hz = config, baud, clock_hz
        SoCMini.__init__(self, platform, clk_freq=clock_hz, ident="", ident_version=False)
        self.crg = crg
        self.sdrphy = phy
        # Without a cache the host sees what the core wrote, and the core what the host wrote.
        self.add_sdram("sdram", phy=phy, module=sdram, origin=SDRAM_BASE, l2_cache_size=0)
        self.add_uartbone(baudrate=baud)
        self.pointwise = PointwiseCore(platform, config, folder)
        self.bus.add_slave(
            "pointwise",
            self.pointwise.axil,
            SoCRegion(origin=CORE_BASE, size=CORE_REGION_BYTES, cached=False),
        )
        self.pointwise_memory = SdramPort(self.sdram, self.pointwise.axi, SDRAM_BASE)
        if leds is not None:
            self._show_life(leds)

    def _show_life(self, leds: object) -> None:
        """The first LED blinks about once a second, the last is on while the core interrupts."""
        beat = Signal(int(self.clock_hz / 2).bit_length())
        self.sync += beat.eq(beat + 1)
        self.comb += leds.eq(Cat(beat[-1], *[0] * (len(leds) - 2), self.pointwise.irq))


class SdramPort(LiteXModule):
    """Connects an AXI4 master of any width to LiteDRAM, through LiteDRAM's own converters.

    Args:
        sdram: the controller.
        axi: the master; its bursts are of its full width, as the core's are.
        base: bus address of the SDRAM's first byte.
    """

    def __init__(self, sdram: LiteDRAMCore, axi: AXIInterface, base: int) -> None:
        port = sdram.crossbar.get_port(data_width=axi.data_width)
        self.bridge = LiteDRAMAXI2Native(
            axi, port, w_buffer_depth=BRIDGE_DELAY, r_buffer_depth=BRIDGE_DELAY, base_address=base
        )
