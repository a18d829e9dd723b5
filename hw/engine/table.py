"""A 256-entry byte table with several readers, written a few entries a cycle."""

from typing import Any

from amaranth.hdl import Cat, Module, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from pointwise.hw.contract.stream import TABLE_ENTRIES
from pointwise.hw.contract.timing import TABLE_BANKS

from .cells import delay
from .ram import NO_COLLISION


def table_write(lanes: int, flow: Any, prefix: str = "table_") -> dict[str, Any]:
    """The ports that write entries ``lanes``·index and up: index, and as many entries."""
    return {
        f"{prefix}index": flow(unsigned((TABLE_ENTRIES // lanes - 1).bit_length())),
        f"{prefix}data": flow(data.ArrayLayout(unsigned(8), lanes)),
    }


class LookupTable(wiring.Component):
    """Two banks of 256 bytes; every reader has its own read port (a copy of the memory where the target has
    few ports).

    Args:
        readers: entries that are read in a cycle.
        lanes: entries that are written in a cycle, a power of two.

    Ports:
        write, write_bank, write_index, write_data: ``lanes`` entries, the first of them at lanes·write_index.
        read_bank, index: what to read; value: the entries, one cycle later.
    """

    def __init__(self, readers: int, lanes: int) -> None:
        self.readers, self.lanes = readers, lanes
        super().__init__(
            {
                "write": In(1),
                "write_bank": In(1),
                **table_write(lanes, In, "write_"),
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
            writer.en.eq(self.write),
            writer.addr.eq(Cat(self.write_index, self.write_bank)),
            writer.data.eq(self.write_data),
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
