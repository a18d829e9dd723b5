"""LOAD and STORE as structures of hardware, made from the table of ``hw.contract.isa``."""

from amaranth.hdl import Cat, Value, unsigned
from amaranth.lib import data

from hw.contract.isa import DMA_LAYOUT

RAW_DMA = data.StructLayout({name: unsigned(width) for name, width in DMA_LAYOUT})
"""A LOAD or STORE as its 512 bits lie in memory."""

DMA = data.StructLayout(
    {"store": unsigned(1)}
    | {
        name: unsigned(width)
        for name, width in DMA_LAYOUT
        if name != "opcode" and not name.startswith("reserved")
    }
)
"""A LOAD or STORE as it is dispatched: the fields of ``hw.contract.isa.Dma`` under their names."""


def dispatched(raw: data.View, store: Value) -> Value:
    """The bits of ``DMA`` from those of ``RAW_DMA``."""
    return Cat(store if name == "store" else raw[name] for name, _ in DMA)
