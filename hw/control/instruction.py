"""The instructions as structures of hardware, made from the tables of ``hw.contract.isa``."""

from amaranth.hdl import Cat, Value, unsigned
from amaranth.lib import data

from hw.contract.isa import CONV_LAYOUT, DMA_LAYOUT


def _meant(layout: tuple[tuple[str, int], ...]) -> dict[str, object]:
    """The fields that mean something, without the opcode."""
    return {name: unsigned(width) for name, width in layout if name != "opcode" and not name.startswith("reserved")}


RAW_CONV = data.StructLayout({name: unsigned(width) for name, width in CONV_LAYOUT})
"""A CONV as its 512 bits lie in memory."""
RAW_DMA = data.StructLayout({name: unsigned(width) for name, width in DMA_LAYOUT})
"""A LOAD or STORE as its 512 bits lie in memory."""

CONV = data.StructLayout(_meant(CONV_LAYOUT))
"""A CONV as it is dispatched: the fields of ``hw.contract.isa.Conv`` under their names."""
DMA = data.StructLayout({"store": unsigned(1)} | _meant(DMA_LAYOUT))
"""A LOAD or STORE as it is dispatched: the fields of ``hw.contract.isa.Dma`` under their names."""


def narrow(raw: data.View, layout: data.StructLayout, **added: Value) -> Value:
    """The fields of ``raw`` that ``layout`` has, and the ``added`` ones, as one value of that layout."""
    return Cat(added[name] if name in added else raw[name] for name, _ in layout)
