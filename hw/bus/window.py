"""The memory that a run may use: three windows, and transfers that count from the base of one of them."""

from amaranth.hdl import unsigned
from amaranth.lib import data

from pointwise.hw.contract.isa import Base

PAGE_BITS = 12
"""Windows begin at multiples of 4096, so that a burst that ends inside a page of its window does so in one of
the memory, and an offset's low bits are those of the address."""
BEATS_BITS = 31
"""Bits of the length of a transfer in beats: enough for 4 GiB on the narrowest bus."""
WINDOWS = len(Base)
OFFSET_BITS = 33
"""Bits of an offset in a window: one more than windows have, which tells that it went beyond 32."""


class WindowLayout(data.StructLayout):
    """A part of memory.

    Fields:
        base: byte address, a multiple of 4096. bytes: its length; base + bytes is an address or the first one
            that is none.
    """

    def __init__(self, addr_width: int) -> None:
        super().__init__({"base": unsigned(addr_width), "bytes": unsigned(32)})


class TransferLayout(data.StructLayout):
    """A read or write of consecutive beats, as the masters take it.

    Fields:
        window: ``hw.contract.isa.Base``; nothing lies in another one. offset: bytes from its base to the
            first beat, a multiple of the beat (lower bits are taken as 0). beats: 1..2^30.
    """

    def __init__(self) -> None:
        super().__init__(
            {"window": unsigned(2), "offset": unsigned(OFFSET_BITS), "beats": unsigned(BEATS_BITS)}
        )
