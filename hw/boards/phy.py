"""A register in front of LiteDRAM's physical layer for half rate."""

import copy

from litedram.common import get_default_cl
from litedram.phy import HalfRateGENSDRPHY
from litedram.phy.dfi import Interface
from litex.gen import LiteXModule
from migen.genlib.record import DIR_M_TO_S


class RegisteredPhy(LiteXModule):
    """``HalfRateGENSDRPHY`` with all that the controller says in a register of ``sys``.

    The layer takes what comes from ``sys`` at the next edge of ``sys2x``, half a cycle later; without the
    register the controller's gates and the way to the pins would have to fit into that. Commands and what is
    written are a cycle of ``sys`` later, both alike; what is read therefore comes a cycle later too.

    Args:
        pads: of the SDRAM. sys_hz: of the controller.
    """

    def __init__(self, pads: object, sys_hz: float) -> None:
        # The memory's own clock decides how long it takes for a read.
        self.phy = phy = HalfRateGENSDRPHY(pads, sys_hz, cl=get_default_cl("SDR", 1 / (2 * sys_hz)))
        self.settings = copy.copy(phy.settings)
        self.settings.read_latency += 1
        first = phy.dfi.p0
        sizes = (len(first.address), len(first.bank), len(first.cs_n), len(first.wrdata))
        self.dfi = Interface(*sizes, nphases=len(phy.dfi.phases))
        for near, far in zip(self.dfi.phases, phy.dfi.phases, strict=True):
            for name, _, direction in near.layout:
                if direction == DIR_M_TO_S:
                    self.sync += getattr(far, name).eq(getattr(near, name))
                else:
                    self.comb += getattr(near, name).eq(getattr(far, name))
