"""A 256-entry byte table with several readers, written a few entries a cycle."""

from amaranth.hdl import Cat, Module, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from pointwise.hw.contract.stream import TABLE_ENTRIES
from pointwise.hw.contract.timing import TABLE_BANKS

from .primitives import delay
from .ram import NO_COLLISION
from .writes import TableWrite


class LookupTable(wiring.Component):
    """Two banks of 256 bytes; every reader has its own read port (a copy of the memory where the target has
    few ports).

    Args:
        readers: entries that are read in a cycle.
        lanes: entries that are written in a cycle, a power of two.

    Ports:
        entries: what is written.
        read_bank: of what is read.
        index: of each reader's entry.
        value: the entries, one cycle later.
    """

    def __init__(self, readers: int, lanes: int) -> None:
        self.readers, self.lanes = readers, lanes
        super().__init__(
            {
                "entries": In(TableWrite(lanes)),
                "read_bank": In(1),
                "index": In(data.ArrayLayout(unsigned(8), readers)),
                "value": Out(data.ArrayLayout(unsigned(8), readers)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.memory = memory = Memory(
            shape=unsigned(8 * self.lanes),
            depth=TABLE_BANKS * TABLE_ENTRIES // self.lanes,
            init=[],
            attrs=NO_COLLISION,
        )
        writer = memory.write_port()
        m.d.comb += [
            writer.en.eq(self.entries.write),
            writer.addr.eq(Cat(self.entries.index, self.entries.bank)),
            writer.data.eq(self.entries.data),
        ]
        lane_bits = self.lanes.bit_length() - 1
        for number in range(self.readers):
            reader = memory.read_port()
            index = self.index[number]
            value = reader.data
            if lane_bits:  # no signal of no bits, which linters do not like
                value = value.word_select(delay(m, index[:lane_bits], 1, name=f"lane_{number}"), 8)
            m.d.comb += [reader.addr.eq(Cat(index[lane_bits:], self.read_bank)), self.value[number].eq(value)]
        return m
