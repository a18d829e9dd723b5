"""The core as a LiteX module: the class with which any LiteX system takes it in."""

from pathlib import Path

from litex.gen import LiteXModule
from litex.soc.interconnect.axi import AXIInterface, AXILiteInterface
from migen import ClockSignal, Instance, ResetSignal, Signal

from pointwise.hw.contract.config import CoreConfig
from pointwise.hw.contract.files import write_file
from pointwise.hw.contract.registers import ADDRESS_BITS
from pointwise.hw.core import Core
from pointwise.hw.verilog import to_verilog

MODULE = "pointwise_core"
"""Name of the Verilog module."""

_CHANNELS = {
    "aw": ("addr", "len", "size", "burst", "lock", "cache", "prot", "qos", "id"),
    "w": ("data", "strb", "last"),
    "b": ("resp", "id"),
    "ar": ("addr", "len", "size", "burst", "lock", "cache", "prot", "qos", "id"),
    "r": ("data", "resp", "last", "id"),
}
_LITE_CHANNELS = {
    "aw": ("addr", "prot"),
    "w": ("data", "strb"),
    "b": ("resp",),
    "ar": ("addr", "prot"),
    "r": ("data", "resp"),
}


class PointwiseCore(LiteXModule):
    """Pointwise in a LiteX system.

    Connect ``axi`` to memory, for example with ``SdramPort`` of ``hw.boards.soc``, and give ``axil``
    to ``soc.bus.add_slave``.

    Attributes:
        axi: AXI4 master, ``config.axi_data_width`` bits wide.
        axil: AXI4-Lite slave with the registers of ``pointwise.hw.contract.registers``.
        irq: level interrupt.

    Args:
        platform: LiteX's, which the Verilog is added to.
        config: the core.
        folder: where its Verilog and its configuration are written.
        clock_domain: LiteX's, of the core and of its buses.
    """

    REGION_BYTES = 1 << ADDRESS_BITS

    def __init__(
        self, platform: object, config: CoreConfig, folder: Path, *, clock_domain: str = "sys"
    ) -> None:
        self.config = config
        self.axi = AXIInterface(
            data_width=config.axi_data_width,
            address_width=config.axi_addr_width,
            id_width=1,
            bursting=True,
            clock_domain=clock_domain,
        )
        self.axil = AXILiteInterface(data_width=32, address_width=32, clock_domain=clock_domain)
        self.irq = Signal()
        write_file(folder / f"{MODULE}.v", to_verilog(Core(config), MODULE))
        write_file(folder / f"{MODULE}.json", config.to_json())
        platform.add_source(str(folder / f"{MODULE}.v"))
        self.specials += Instance(
            MODULE,
            i_clk=ClockSignal(clock_domain),
            i_rst=ResetSignal(clock_domain),
            o_irq=self.irq,
            **_pins(self.axi, "m_axi", _CHANNELS, master=True),
            **_pins(self.axil, "s_axil", _LITE_CHANNELS, master=False),
        )


def _pins(
    bus: object, prefix: str, channels: dict[str, tuple[str, ...]], *, master: bool
) -> dict[str, object]:
    """The ports of an instance for one bus, by the names that the Verilog has for them."""
    pins = {}
    for channel, members in channels.items():
        endpoint = getattr(bus, channel)
        outwards = (channel in ("aw", "w", "ar")) == master
        for name in (*members, "valid", "ready"):
            out = outwards != (name == "ready")
            # An AXI4-Lite slave decodes its own few address bits; LiteX's bus hands it the whole address.
            signal = getattr(endpoint, name, None)
            if name == "prot" and signal is None:
                signal = 0
            if name == "addr" and not master:
                signal = signal[:ADDRESS_BITS]
            pins[f"{'o' if out else 'i'}_{prefix}_{channel}{name}"] = signal
    return pins
