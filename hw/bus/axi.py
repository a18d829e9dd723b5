"""Signatures of AXI4 and AXI4-Lite, named so that design tools recognise the buses.

The members carry the names of the AXI specification in lower case, without a nested level: a port ``m_axi``
of the signature ``Axi4`` flattens to the paths (``m_axi``, ``araddr``) and so on, which ``hw.verilog`` joins
with one underscore to ``m_axi_araddr``.
"""

from enum import IntEnum

from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from pointwise.hw.contract.registers import ADDRESS_BITS

ID_BITS = 1

CACHE_NORMAL = 0b0011
"""AxCACHE of normal memory: modifiable and bufferable, not allocated in a cache."""
PROT_DATA = 0b000
"""AxPROT of an unprivileged, secure data access."""


class Burst(IntEnum):
    """AxBURST; the core issues INCR alone."""

    FIXED = 0
    INCR = 1
    WRAP = 2


class Resp(IntEnum):
    """RRESP and BRESP; bit 1 tells an error."""

    OKAY = 0
    EXOKAY = 1
    SLVERR = 2
    DECERR = 3


def _address_channel(prefix: str, addr_width: int) -> dict[str, wiring.Member]:
    """The members of AW or AR, seen from the master."""
    return {
        f"{prefix}id": Out(ID_BITS),
        f"{prefix}addr": Out(addr_width),
        f"{prefix}len": Out(8),
        f"{prefix}size": Out(3),
        f"{prefix}burst": Out(2),
        f"{prefix}lock": Out(1),
        f"{prefix}cache": Out(4),
        f"{prefix}prot": Out(3),
        f"{prefix}qos": Out(4),
        f"{prefix}valid": Out(1),
        f"{prefix}ready": In(1),
    }


class AxiRead(wiring.Signature):
    """The read half (AR, R) of AXI4, seen from the master.

    Args:
        data_width: bits of a beat (32..512, a power of two). addr_width: bits of an address.
    """

    def __init__(self, data_width: int, addr_width: int) -> None:
        self.data_width, self.addr_width = data_width, addr_width
        super().__init__(
            _address_channel("ar", addr_width)
            | {
                "rid": In(ID_BITS),
                "rdata": In(data_width),
                "rresp": In(2),
                "rlast": In(1),
                "rvalid": In(1),
                "rready": Out(1),
            }
        )


class AxiWrite(wiring.Signature):
    """The write half (AW, W, B) of AXI4, seen from the master.

    Args:
        data_width: bits of a beat (32..512, a power of two). addr_width: bits of an address.
    """

    def __init__(self, data_width: int, addr_width: int) -> None:
        self.data_width, self.addr_width = data_width, addr_width
        super().__init__(
            _address_channel("aw", addr_width)
            | {
                "wdata": Out(data_width),
                "wstrb": Out(data_width // 8),
                "wlast": Out(1),
                "wvalid": Out(1),
                "wready": In(1),
                "bid": In(ID_BITS),
                "bresp": In(2),
                "bvalid": In(1),
                "bready": Out(1),
            }
        )


class Axi4(wiring.Signature):
    """Both halves of AXI4, seen from the master; ``connect_half`` joins a half to it.

    Args:
        data_width: bits of a beat (32..512, a power of two). addr_width: bits of an address.
    """

    def __init__(self, data_width: int, addr_width: int) -> None:
        self.data_width, self.addr_width = data_width, addr_width
        members = {}
        for half in (AxiWrite(data_width, addr_width), AxiRead(data_width, addr_width)):
            members |= dict(half.members.items())
        super().__init__(members)


class AxiLite(wiring.Signature):
    """AXI4-Lite with 32 data bits, seen from the master (a slave flips it: ``In(AxiLite())``)."""

    def __init__(self, addr_width: int = ADDRESS_BITS) -> None:
        self.addr_width = addr_width
        super().__init__(
            {
                "awaddr": Out(addr_width),
                "awprot": Out(3),
                "awvalid": Out(1),
                "awready": In(1),
                "wdata": Out(32),
                "wstrb": Out(4),
                "wvalid": Out(1),
                "wready": In(1),
                "bresp": In(2),
                "bvalid": In(1),
                "bready": Out(1),
                "araddr": Out(addr_width),
                "arprot": Out(3),
                "arvalid": Out(1),
                "arready": In(1),
                "rdata": In(32),
                "rresp": In(2),
                "rvalid": In(1),
                "rready": Out(1),
            }
        )


def connect_half(m: Module, half: object, whole: object) -> None:
    """Forward a submodule's half of a bus to an ``Axi4`` port of the enclosing component.

    Args:
        half: an interface of AxiRead or AxiWrite that a submodule drives.
        whole: the port; it has at least the members of ``half``.
    """
    for name, member in half.signature.members.items():
        inner, outer = getattr(half, name), getattr(whole, name)
        m.d.comb += outer.eq(inner) if member.flow == Out else inner.eq(outer)


def drive_constants(m: Module, axi: object, prefix: str) -> None:
    """Drive what never changes on an address channel: whole beats, INCR, normal memory, id 0."""
    size = (axi.signature.data_width // 8).bit_length() - 1
    constants = {"id": 0, "size": size, "burst": Burst.INCR, "lock": 0, "qos": 0}
    constants |= {"cache": CACHE_NORMAL, "prot": PROT_DATA}
    m.d.comb += [getattr(axi, prefix + name).eq(value) for name, value in constants.items()]
