"""A 256-entry byte table with several readers, written a few entries a cycle."""

from functools import reduce
from operator import or_

from amaranth.hdl import Cat, Module, Value, unsigned
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

    A word of the memory holds ``lanes`` entries. It goes into a register first, as memory takes half of a
    cycle; which entry it is, and whether one is wanted, is one bit for each entry by then, so that two gates
    choose, with room in the second one for what the reader takes in place of an entry.

    Args:
        readers: entries that are read in a cycle.
        lanes: entries that are written in a cycle, a power of two.

    Ports:
        entries: what is written.
        read_bank: of what is read.
        wanted: entries are wanted; they are zero otherwise.
        index: of each reader's entry.
        value: the entries, two cycles later.

    Latency: 2 cycles. Throughput: an entry a cycle for each reader.
    """

    LATENCY = 2

    def __init__(self, readers: int, lanes: int) -> None:
        self.readers, self.lanes = readers, lanes
        super().__init__(
            {
                "entries": In(TableWrite(lanes)),
                "read_bank": In(1),
                "wanted": In(1),
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
            word = delay(m, reader.data, 1, name=f"word_{number}")
            entries: list[Value] = []
            for lane in range(self.lanes):
                mine = self.wanted & (index[:lane_bits] == lane) if lane_bits else self.wanted
                chosen = delay(m, mine, self.LATENCY, name=f"chosen_{number}_{lane}")
                entries.append(word.word_select(lane, 8) & chosen.replicate(8))
            m.d.comb += [
                reader.addr.eq(Cat(index[lane_bits:], self.read_bank)),
                self.value[number].eq(reduce(or_, entries)),
            ]
        return m
