"""A 256-entry byte table with several readers, written entry by entry."""

from amaranth.hdl import Cat, Module, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from .ram import NO_COLLISION

TABLE_BANKS = 2
"""One table can be in use while the next one is being written."""


class LookupTable(wiring.Component):
    """Two banks of 256 bytes; every reader has its own read port (a copy of the memory where the target has
    few ports).

    Ports:
        write, write_bank, write_index, write_data: one entry a cycle.
        read_bank, index: what to read; value: the entries, one cycle later.
    """

    def __init__(self, readers: int) -> None:
        self.readers = readers
        super().__init__(
            {
                "write": In(1),
                "write_bank": In(1),
                "write_index": In(unsigned(8)),
                "write_data": In(unsigned(8)),
                "read_bank": In(1),
                "index": In(data.ArrayLayout(unsigned(8), readers)),
                "value": Out(data.ArrayLayout(unsigned(8), readers)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.memory = memory = Memory(
            shape=unsigned(8), depth=TABLE_BANKS * 256, init=[], attrs=NO_COLLISION
        )
        writer = memory.write_port()
        m.d.comb += [
            writer.en.eq(self.write),
            writer.addr.eq(Cat(self.write_index, self.write_bank)),
            writer.data.eq(self.write_data),
        ]
        for lane in range(self.readers):
            reader = memory.read_port()
            m.d.comb += [
                reader.addr.eq(Cat(self.index[lane], self.read_bank)),
                self.value[lane].eq(reader.data),
            ]
        return m
