"""On-chip memory in banks with fixed-priority ports."""

from functools import reduce
from operator import or_

from amaranth.hdl import Cat, Module, Mux, Signal, Value, unsigned
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from pointwise.hw.contract.timing import READ_LATENCY

from .banked_address import BankedAddress
from .primitives import ceil_log2, delay
from .ram import Ram

BLOCK_WORDS = 2048
"""Words of a block of memory with a register of its own behind it. The block RAMs of most FPGAs are so deep
where they are a byte wide; what comes out of one of them takes the better half of a cycle."""


def read_port(word_bits: int, places: BankedAddress) -> wiring.Signature:
    """A read port, seen from the memory's user.

    ``place`` is granted in a cycle with ``valid`` and ``ready``; ``data`` is there READ_LATENCY cycles later,
    for one cycle.
    """
    return wiring.Signature(
        {"valid": Out(1), "ready": In(1), "place": Out(places), "data": In(unsigned(word_bits))}
    )


def write_port(word_bits: int, lanes: int, places: BankedAddress) -> wiring.Signature:
    """A write port, seen from the memory's user: taken in a cycle with ``valid`` and ``ready``; ``mask`` has
    a bit a lane."""
    return wiring.Signature(
        {
            "valid": Out(1),
            "ready": In(1),
            "place": Out(places),
            "data": Out(unsigned(word_bits)),
            "mask": Out(unsigned(lanes)),
        }
    )


class Sram(wiring.Component):
    """A memory of ``lanes`` lanes of ``lane_bits`` bits a word, in banks.

    Each bank has one read and one write port. In every bank the lowest-numbered port that asks is granted, in
    the same cycle; the others wait, so a collision costs time and nothing else. A read of a word in the cycle
    in which it is written gives its old or its new lanes.

    Args:
        places: words and banks.

    Ports:
        zero: what is written is zero, whatever the writers say.
        read: one ``read_port`` per reader, by priority. ``ready`` does not depend on the port's own
            ``valid``, and
            is always high for the first.
        write: one ``write_port`` per writer, likewise.

    Latency: reads READ_LATENCY = 4 cycles, one a cycle and bank. Writes are visible to reads granted later.
    """

    def __init__(
        self, places: BankedAddress, lanes: int, lane_bits: int, *, readers: int, writers: int
    ) -> None:
        self.places, self.lanes, self.lane_bits = places, lanes, lane_bits
        super().__init__(
            {
                "zero": In(1),
                "read": In(read_port(lanes * lane_bits, places)).array(readers),
                "write": In(write_port(lanes * lane_bits, lanes, places)).array(writers),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        for ports in (self.read, self.write):
            for number, port in enumerate(ports):
                before = [other.valid & (other.place.bank == port.place.bank) for other in ports[:number]]
                m.d.comb += port.ready.eq(~Cat(*before).any())
        words = [self._bank(m, index) for index in range(self.places.banks)]
        for number, port in enumerate(self.read):
            chosen = [
                Mux(
                    delay(m, port.place.bank == index, READ_LATENCY - 1, name=f"read{number}_bank{index}"),
                    word,
                    0,
                )
                for index, word in enumerate(words)
            ]
            m.d.comb += port.data.eq(delay(m, reduce(or_, chosen), 1, name=f"read{number}_data"))
        return m

    def _bank(self, m: Module, index: int) -> Value:
        """One bank; what it is asked for is its value READ_LATENCY − 1 cycles later."""
        name = f"bank{index}"
        bank_words = self.places.bank_words
        reads, writes = (
            [port.valid & (port.place.bank == index) for port in ports] for ports in (self.read, self.write)
        )
        read_address = Signal(ceil_log2(bank_words), name=f"{name}_read", reset_less=True)
        write_address = Signal.like(read_address, name=f"{name}_write")
        write_data = Signal(self.lanes * self.lane_bits, name=f"{name}_data", reset_less=True)
        write_mask = Signal(self.lanes, name=f"{name}_mask")
        m.d.sync += [
            read_address.eq(_first(reads, [port.place.inside for port in self.read])),
            write_address.eq(_first(writes, [port.place.inside for port in self.write])),
            write_data.eq(_first(writes, [port.data for port in self.write])),
            write_mask.eq(Mux(Cat(*writes).any(), _first(writes, [port.mask for port in self.write]), 0)),
        ]
        with m.If(self.zero):
            m.d.sync += write_data.eq(0)
        words: list[Value] = []
        for block, first in enumerate(range(0, bank_words, BLOCK_WORDS)):
            ram = Ram(min(BLOCK_WORDS, bank_words - first), self.lanes, self.lane_bits)
            m.submodules[f"{name}_{block}"] = ram
            reading = read_address >> _bits(BLOCK_WORDS) == block
            writing = write_address >> _bits(BLOCK_WORDS) == block
            m.d.comb += [
                ram.read_enable.eq(reading),
                ram.read_address.eq(read_address),
                ram.write_enable.eq(Mux(writing, write_mask, 0)),
                ram.write_address.eq(write_address),
                ram.write_data.eq(write_data),
            ]
            # Zero where another block is read: the reset of a register, in place of a multiplexer behind it.
            answers = delay(m, reading, 1, name=f"{name}_{block}_answers")
            words.append(delay(m, Mux(answers, ram.read_data, 0), 1, name=f"{name}_{block}_word"))
        return reduce(or_, words)


def _first(asks: list[Value], values: list[Value]) -> Value:
    """The value of the first who asks; of the last, where nobody does."""
    chosen = values[-1]
    for asking, value in zip(reversed(asks[:-1]), reversed(values[:-1]), strict=True):
        chosen = Mux(asking, value, chosen)
    return chosen


def _bits(words: int) -> int:
    return words.bit_length() - 1
