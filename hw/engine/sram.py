"""On-chip memory in banks with fixed-priority ports."""

from amaranth.hdl import Array, Cat, Const, Module, Signal, unsigned
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from .cells import bits_for, delay
from .ram import Ram

ADDRESS_BITS = 24
READ_LATENCY = 2
"""Cycles from a granted read to its data."""


def read_port(word_bits: int) -> wiring.Signature:
    """A read port, seen from the memory's user.

    ``address`` is granted in a cycle with ``valid`` and ``ready``; ``data`` is there READ_LATENCY cycles
    later, for one cycle.
    """
    return wiring.Signature(
        {"valid": Out(1), "ready": In(1), "address": Out(ADDRESS_BITS), "data": In(unsigned(word_bits))}
    )


def write_port(word_bits: int, lanes: int) -> wiring.Signature:
    """A write port, seen from the memory's user: taken in a cycle with ``valid`` and ``ready``; ``mask`` has
    a bit a lane."""
    return wiring.Signature(
        {
            "valid": Out(1),
            "ready": In(1),
            "address": Out(ADDRESS_BITS),
            "data": Out(unsigned(word_bits)),
            "mask": Out(unsigned(lanes)),
        }
    )


class Sram(wiring.Component):
    """``words`` words of ``lanes`` lanes of ``lane_bits`` bits, in ``banks`` equal banks by the high address.

    Each bank has one read and one write port. In every bank the lowest-numbered port that asks is granted, in
    the same cycle; the others wait, so a collision costs time and nothing else. A read of a word in the cycle
    in which it is written gives its old or its new lanes. Addresses past the end fall into the last bank.

    Ports:
        read: one ``read_port`` per reader, by priority. write: one ``write_port`` per writer, by priority.

    Latency: reads READ_LATENCY = 2 cycles, one a cycle and bank. Writes are visible to reads granted later.
    """

    def __init__(
        self, words: int, lanes: int, lane_bits: int, *, banks: int, readers: int, writers: int
    ) -> None:
        self.words, self.lanes, self.lane_bits, self.banks = words, lanes, lane_bits, banks
        self.bank_words = words // banks
        super().__init__(
            {
                "read": In(read_port(lanes * lane_bits)).array(readers),
                "write": In(write_port(lanes * lane_bits, lanes)).array(writers),
            }
        )

    def _split(self, m: Module, address: Signal, name: str) -> tuple[Signal, Signal]:
        """Bank and address inside the bank, by comparing with the banks' borders."""
        bank = Signal(bits_for(self.banks), name=f"{name}_bank")
        inside = Signal(bits_for(self.bank_words), name=f"{name}_inside")
        m.d.comb += inside.eq(address)
        for index in range(1, self.banks):
            with m.If(address >= index * self.bank_words):
                m.d.comb += [bank.eq(index), inside.eq(address - index * self.bank_words)]
        return bank, inside

    def elaborate(self, platform: object) -> Module:
        m = Module()
        readers = [(port, *self._split(m, port.address, f"read{i}")) for i, port in enumerate(self.read)]
        writers = [(port, *self._split(m, port.address, f"write{i}")) for i, port in enumerate(self.write)]
        outputs = []
        read_ready = {i: [] for i in range(len(readers))}
        write_ready = {i: [] for i in range(len(writers))}
        for index in range(self.banks):
            ram = Ram(self.bank_words, self.lanes, self.lane_bits)
            m.submodules[f"bank{index}"] = ram
            taken = Const(0)
            for number, (port, bank, inside) in enumerate(readers):
                asks = port.valid & (bank == index)
                read_ready[number].append(asks & ~taken)
                with m.If(asks & ~taken):
                    m.d.comb += ram.read_address.eq(inside)
                taken = taken | asks
            m.d.comb += ram.read_enable.eq(taken)
            taken = Const(0)
            for number, (port, bank, inside) in enumerate(writers):
                asks = port.valid & (bank == index)
                write_ready[number].append(asks & ~taken)
                with m.If(asks & ~taken):
                    m.d.comb += [
                        ram.write_address.eq(inside),
                        ram.write_data.eq(port.data),
                        ram.write_enable.eq(port.mask),
                    ]
                taken = taken | asks
            outputs.append(ram.read_data)
        for number, (port, bank, _) in enumerate(readers):
            m.d.comb += port.ready.eq(Cat(*read_ready[number]).any())
            selected = delay(m, bank, 1, name=f"read{number}_bank")
            data = Signal(self.lanes * self.lane_bits, name=f"read{number}_data", reset_less=True)
            m.d.sync += data.eq(outputs[0] if self.banks == 1 else Array(outputs)[selected])
            m.d.comb += port.data.eq(data)
        for number, (port, _, _) in enumerate(writers):
            m.d.comb += port.ready.eq(Cat(*write_ready[number]).any())
        return m
