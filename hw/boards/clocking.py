"""Clocks of a system: of the core and the SDRAM, and of what lies between them."""

from dataclasses import dataclass

from litedram.phy import GENSDRPHY

from .phy import RegisteredPhy

HALF_RATE_HZ = 65_000_000
"""Core clock from which on the SDRAM's controller runs at half of it. Its own paths end near this clock, and
LiteDRAM's layer for half rate takes the memory's words half a period late, which is right only where that is
less than the memory's access time and the way there and back, some 8 ns."""


@dataclass(frozen=True)
class Clocking:
    """Two clocks, or one. The core and the SDRAM run at ``core_hz``.

    LiteX's buses and the SDRAM's controller run at the same (LiteX's domain ``sys``), or at half of it; then
    the controller decides on two words of the SDRAM at a time, and the core is in the domain ``sys2x``.

    Attributes:
        core_hz: of core and SDRAM. half: whether ``sys`` has half of it.
    """

    core_hz: int
    half: bool

    @classmethod
    def of(cls, core_hz: int) -> "Clocking":
        """What a board does at that clock."""
        return cls(core_hz, core_hz >= HALF_RATE_HZ)

    @property
    def sys_hz(self) -> int:
        """Frequency of the domain ``sys``."""
        return self.core_hz // 2 if self.half else self.core_hz

    @property
    def rate(self) -> str:
        """Ratio of controller and SDRAM, as LiteX writes it."""
        return "1:2" if self.half else "1:1"

    @property
    def core_domain(self) -> str:
        """LiteX's clock domain that the core is in."""
        return "sys2x" if self.half else "sys"

    @property
    def chip_domain(self) -> str:
        """The domain, of shifted phase, whose clock goes to the SDRAM's pin."""
        return f"{self.core_domain}_ps"

    def phy(self, pads: object) -> object:
        """LiteDRAM's physical layer on the SDRAM's pins."""
        return (RegisteredPhy if self.half else GENSDRPHY)(pads, self.sys_hz)
