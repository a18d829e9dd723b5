"""LOAD and STORE as structures of hardware, made from the table of ``pointwise.hw.contract.isa``."""

from amaranth.hdl import Cat, Value, unsigned
from amaranth.lib import data

from pointwise.hw.contract.isa import DMA_LAYOUT

RAW_DMA = data.StructLayout({name: unsigned(width) for name, width in DMA_LAYOUT})
"""A LOAD or STORE as its bits lie in memory."""

INDEX_BITS = 16
"""A program has at most ``MAX_INSTRUCTIONS`` of ``pointwise.hw.contract.legal``."""

DMA = data.StructLayout(
    {"index": unsigned(INDEX_BITS), "store": unsigned(1)}
    | {
        name: unsigned(width)
        for name, width in DMA_LAYOUT
        if name != "opcode" and not name.startswith("reserved")
    }
)
"""A LOAD or STORE as it is dispatched: which instruction of the program it is, and the fields of
``pointwise.hw.contract.isa.Dma`` under their names."""


def dispatched(raw: data.View, index: Value, store: Value) -> Value:
    """The bits of ``DMA`` from those of ``RAW_DMA``."""
    known = {"index": index[:INDEX_BITS], "store": store}
    return Cat(known[name] if name in known else raw[name] for name, _ in DMA)
