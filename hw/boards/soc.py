"""A system around the core, the same on every board: no processor, a host behind a UART instead.

The host reads and writes the whole address space through LiteX's UART bridge: the SDRAM, the core's
registers, and LiteX's own control registers, with which it brings the SDRAM up.

Where core and LiteX's buses have clocks of their own, asynchronous FIFOs lie between them.
"""

from pathlib import Path

from litedram.core import LiteDRAMCore
from litedram.frontend.axi import LiteDRAMAXI2Native
from litex.gen import LiteXModule
from litex.soc.integration.soc import SoCRegion
from litex.soc.integration.soc_core import SoCMini
from litex.soc.interconnect.axi import AXIInterface, AXILiteClockDomainCrossing, AXILiteInterface
from litex.soc.interconnect.stream import ClockDomainCrossing
from migen import Cat, Signal
from migen.genlib.cdc import MultiReg

from pointwise.hw.contract.config import CoreConfig

from .clocking import Clocking
from .litex_core import PointwiseCore

CORE_BASE = 0x3000_0000
"""Where the host finds the core's registers, on every board."""
SDRAM_BASE = 0x4000_0000
"""Where host and core find the SDRAM, on every board."""
CORE_REGION_BYTES = 0x1000
BRIDGE_DELAY = 16
"""Beats that the bridge between AXI4 and SDRAM holds for reads, and for writes."""
CROSSING_DEPTH = 8
"""Words of the FIFOs between the domains; the round trip of their pointers takes some six cycles."""


class PointwiseSoC(SoCMini):
    """Core, SDRAM and UART bridge; clocks and pins come from the board.

    Args:
        platform: LiteX's platform of the board.
        crg: the board's clocks and reset, with the domains that ``clocking`` names.
        clocking: the clocks.
        config: the core.
        folder: where the core's Verilog goes.
        pads: of the board's SDRAM. chip: LiteDRAM's class for it.
        baud: of the UART bridge.
        leds: pins that show life; the first blinks, the last is the interrupt.
    """

    def __init__(
        self,
        platform: object,
        crg: object,
        clocking: Clocking,
        config: CoreConfig,
        folder: Path,
        *,
        pads: object,
        chip: type,
        baud: int,
        leds: object = None,
    ) -> None:
        self.core_config, self.baud = config, baud
        SoCMini.__init__(self, platform, clk_freq=clocking.sys_hz, ident="", ident_version=False)
        self.crg = crg
        self.sdrphy = clocking.phy(pads)
        # Without a cache the host sees what the core wrote, and the core what the host wrote.
        memory = chip(clocking.sys_hz, clocking.rate)
        self.add_sdram("sdram", phy=self.sdrphy, module=memory, origin=SDRAM_BASE, l2_cache_size=0)
        self.add_uartbone(baudrate=baud)
        self.pointwise = PointwiseCore(platform, config, folder, clock_domain=clocking.core_domain)
        registers = AXILiteInterface(data_width=32, address_width=32)
        self.crossing = AXILiteClockDomainCrossing(
            registers, self.pointwise.axil, "sys", clocking.core_domain
        )
        self.bus.add_slave(
            "pointwise", registers, SoCRegion(origin=CORE_BASE, size=CORE_REGION_BYTES, cached=False)
        )
        self.pointwise_memory = SdramPort(self.sdram, self.pointwise.axi, SDRAM_BASE)
        if leds is not None:
            self._show_life(leds)

    def _show_life(self, leds: object) -> None:
        """The first LED blinks about once a second, the last is on while the core interrupts."""
        beat = Signal(int(self.sys_clk_freq / 2).bit_length())
        irq = Signal()
        self.sync += beat.eq(beat + 1)
        self.specials += MultiReg(self.pointwise.irq, irq)
        self.comb += leds.eq(Cat(beat[-1], *[0] * (len(leds) - 2), irq))


class SdramPort(LiteXModule):
    """Connects an AXI4 master of any width and clock to LiteDRAM, through LiteDRAM's own converters.

    Args:
        sdram: the controller, in ``sys``.
        axi: the master, in the domain that it names; its bursts are of its full width, as the core's are.
        base: bus address of the SDRAM's first byte.
    """

    def __init__(self, sdram: LiteDRAMCore, axi: AXIInterface, base: int) -> None:
        near = AXIInterface(
            data_width=axi.data_width, address_width=axi.address_width, id_width=axi.id_width, bursting=True
        )
        for name in ("aw", "w", "ar", "b", "r"):
            source, sink = getattr(axi, name), getattr(near, name)
            domains = (axi.clock_domain, near.clock_domain)
            if name in ("b", "r"):
                source, sink, domains = sink, source, domains[::-1]
            crossing = ClockDomainCrossing(source.description, *domains, depth=CROSSING_DEPTH, buffered=True)
            self.add_module(name, crossing)
            self.comb += [source.connect(crossing.sink), crossing.source.connect(sink)]
        port = sdram.crossbar.get_port(data_width=axi.data_width)
        self.bridge = LiteDRAMAXI2Native(
            near, port, w_buffer_depth=BRIDGE_DELAY, r_buffer_depth=BRIDGE_DELAY, base_address=base
        )
