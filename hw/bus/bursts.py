"""Cuts transfers into bursts that AXI4 allows."""

from amaranth.hdl import Module, Mux, Signal, unsigned
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from .axi import BEATS_BITS, TransferLayout


class BurstLayout(data.StructLayout):
    """One burst. Fields: ``address``: byte address of its first beat; ``length``: beats − 1."""

    def __init__(self, addr_width: int, burst: int) -> None:
        length_bits = max(1, (burst - 1).bit_length())
        super().__init__({"address": unsigned(addr_width), "length": unsigned(length_bits)})


class BurstSplitter(wiring.Component):
    """Turns transfers into bursts of at most ``burst`` beats that end at multiples of ``burst`` beats.

    All bursts but the first of a transfer are therefore aligned to their size, and as ``burst`` beats are a
    power of two of at most 4096 bytes, none crosses a 4 KB border.

    Args:
        data_width: bits of a beat. addr_width: bits of an address. burst: the most beats, a power of two.
        room_bits: width of ``room``.

    Ports:
        transfers: what to split. bursts: the result, registered.
        room: a burst is formed only when it has at most this many beats.
        reserve: beats of the burst that is formed in this cycle, else 0; take them off ``room`` by the next
            cycle.

    Latency: two cycles from a transfer to its first burst. Throughput: one burst a cycle, also across
    transfers.
    """

    def __init__(self, data_width: int, addr_width: int, burst: int, *, room_bits: int) -> None:
        self.burst = burst
        self.lane_bits = (data_width // 8).bit_length() - 1
        super().__init__(
            {
                "transfers": In(stream.Signature(TransferLayout(addr_width))),
                "bursts": Out(stream.Signature(BurstLayout(addr_width, burst))),
                "room": In(room_bits),
                "reserve": Out(room_bits),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        edge_bits = self.burst.bit_length() - 1
        address = Signal(len(self.transfers.p.address) - self.lane_bits)  # in beats
        remaining = Signal(BEATS_BITS)
        active = Signal()

        to_edge = Signal(range(self.burst + 1))
        length = Signal(range(self.burst + 1))
        final = Signal()
        low = remaining[: len(to_edge)]
        m.d.comb += [
            to_edge.eq(self.burst - address[:edge_bits] if edge_bits else 1),
            final.eq(~remaining[len(to_edge) :].any() & (low <= to_edge)),
            length.eq(Mux(final, low, to_edge)),
        ]
        form = Signal()
        m.d.comb += form.eq(active & (length <= self.room) & (~self.bursts.valid | self.bursts.ready))
        with m.If(self.bursts.ready):
            m.d.sync += self.bursts.valid.eq(0)
        with m.If(form):
            m.d.comb += self.reserve.eq(length)
            m.d.sync += [
                self.bursts.valid.eq(1),
                self.bursts.p.address.eq(address << self.lane_bits),
                self.bursts.p.length.eq(length - 1),
                address.eq(address + length),
                remaining.eq(remaining - length),
                active.eq(~final),
            ]
        m.d.comb += self.transfers.ready.eq(~active | (form & final))
        with m.If(self.transfers.valid & self.transfers.ready):
            m.d.sync += [
                active.eq(1),
                address.eq(self.transfers.p.address >> self.lane_bits),
                remaining.eq(self.transfers.p.beats),
            ]
        return m
