"""Cuts transfers into bursts that AXI4 allows."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal, unsigned
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from .window import BEATS_BITS, WINDOWS, TransferLayout, WindowLayout


class BurstLayout(data.StructLayout):
    """One burst. Fields: ``address``: byte address of its first beat; ``length``: beats − 1."""

    def __init__(self, addr_width: int, burst: int) -> None:
        length_bits = max(1, (burst - 1).bit_length())
        super().__init__({"address": unsigned(addr_width), "length": unsigned(length_bits)})


class JudgedBurstLayout(data.StructLayout):
    """A burst, and whether its transfer leaves its window: then it must not reach the bus."""

    def __init__(self, addr_width: int, burst: int) -> None:
        super().__init__({"burst": BurstLayout(addr_width, burst), "outside": unsigned(1)})


class BurstSplitter(wiring.Component):
    """Turns transfers into bursts of at most ``burst`` beats that end at multiples of ``burst`` beats.

    All bursts but the first of a transfer are therefore aligned to their size, and as ``burst`` beats are a
    power of two of at most 4096 bytes, none crosses a 4 KB border.

    A transfer is compared with its window as a whole, while its first burst is formed: that takes no time.

    Args:
        data_width: bits of a beat. addr_width: bits of an address. burst: the most beats, a power of two.
        room_bits: width of ``room``.

    Ports:
        windows: by ``Base``; constant while there are transfers.
        transfers: what to split.
        bursts: the result, registered.
        room: a burst is formed only when it has at most this many beats.
        reserve: beats of the burst that is formed in this cycle, else 0; take them off ``room`` by the next
            cycle.

    Latency: four cycles from a transfer to its first burst. Throughput: one burst in two cycles, also across
    transfers.
    """

    def __init__(self, data_width: int, addr_width: int, burst: int, *, room_bits: int) -> None:
        self.burst, self.addr_width = burst, addr_width
        self.lane_bits = (data_width // 8).bit_length() - 1
        super().__init__(
            {
                "windows": In(WindowLayout(addr_width)).array(WINDOWS),
                "transfers": In(stream.Signature(TransferLayout())),
                "bursts": Out(stream.Signature(JudgedBurstLayout(addr_width, burst))),
                "room": In(room_bits),
                "reserve": Out(room_bits),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        edge_bits = self.burst.bit_length() - 1
        place_bits = max(1, edge_bits)  # blocks of one beat need none, but Verilog has no wires of no width
        transfer, bursts = self.transfers.p, self.bursts

        # The transfer that comes next, in blocks of ``burst`` beats: where it begins, and how far it reaches.
        # It is taken while nothing waits, so that who asks is told by a register.
        waiting = Signal()
        next_block = Signal(self.addr_width - self.lane_bits - edge_bits)
        next_offset = Signal(place_bits)  # of its first beat in its first block
        # Ends are of the beat behind the last one: a sum of three numbers would cost a LUT a bit.
        next_reach = Signal(BEATS_BITS + 1)  # of its end, from the beginning of that block
        next_beats = Signal(range(self.burst + 1))  # all, where it does not go beyond that block
        next_short = Signal()  # fewer beats than two blocks
        first_beat = transfer.offset[self.lane_bits :]
        # The window begins at a multiple of a block.
        first_block = first_beat[edge_bits:]
        # Its end, and how many beats the window has.
        next_end = Signal(max(BEATS_BITS, len(first_beat)) + 1)
        next_limit = Signal(32 - self.lane_bits)
        base = Signal(self.addr_width)
        limit = Signal.like(next_limit)
        with m.Switch(transfer.window):
            for index, window in enumerate(self.windows):
                with m.Case(index):
                    m.d.comb += [base.eq(window.base), limit.eq(window.bytes[self.lane_bits :])]
        load = Signal()
        m.d.comb += self.transfers.ready.eq(~waiting)
        with m.If(load):
            m.d.sync += waiting.eq(0)
        with m.If(self.transfers.valid & ~waiting):
            m.d.sync += [
                waiting.eq(1),
                next_block.eq(base[self.lane_bits + edge_bits :] + first_block),
                next_end.eq(first_beat + transfer.beats),
                next_limit.eq(limit),
                next_offset.eq(first_beat[:edge_bits]),
                next_reach.eq(first_beat[:edge_bits] + transfer.beats),
                next_beats.eq(transfer.beats),
                next_short.eq(~transfer.beats[edge_bits + 1 :].any()),
            ]

        # The burst that is formed next. Everything that decides about it is in registers: its length and
        # whether there is room take a cycle, so that a burst takes two.
        active = Signal()
        fits = Signal()
        block = Signal.like(next_block)
        offset = Signal(place_bits)
        length = Signal(range(self.burst + 1))
        behind = Signal(BEATS_BITS + 1 - edge_bits)  # borders between blocks up to its end, behind this one
        final = Signal()  # this one and the next are compared while it is seen whether the burst fits
        last_but_one = Signal()
        tail = Signal(edge_bits + 1)  # beats of the last block
        whole = Signal()  # the end is a border: of the last block, and counted
        outside = Signal()  # known before the first burst is formed
        form = Signal()
        m.d.comb += [
            form.eq(fits & ~bursts.valid),
            load.eq(waiting & (~active | (form & final))),
            self.reserve.eq(Mux(form, length, 0)),
        ]
        roomy = self.room[edge_bits:].any() | (length <= self.room[:place_bits])
        m.d.sync += [
            fits.eq(active & roomy & ~form),
            final.eq(behind == whole),
            last_but_one.eq(behind == 1 + whole),
        ]
        with m.If(bursts.ready):
            m.d.sync += bursts.valid.eq(0)
        with m.If(form):
            m.d.sync += [
                bursts.valid.eq(1),
                bursts.p.burst.address.eq(Cat(Const(0, self.lane_bits), offset[:edge_bits], block)),
                bursts.p.burst.length.eq(length - 1),
                bursts.p.outside.eq(outside),
                active.eq(~final),
                block.eq(block + 1),
                offset.eq(0),
                behind.eq(behind - 1),
                length.eq(Mux(last_but_one, tail, self.burst)),
            ]
        with m.If(load):
            ends_whole = ~next_reach[:edge_bits].any()
            alone = next_short & ~next_reach[edge_bits : edge_bits + 2].any()
            m.d.sync += [
                active.eq(1),
                block.eq(next_block),
                offset.eq(next_offset),
                behind.eq(next_reach[edge_bits:]),
                tail.eq(Cat(next_reach[:edge_bits], ends_whole)),
                whole.eq(ends_whole),
                outside.eq(next_end > next_limit),
                length.eq(Mux(alone, next_beats, self.burst - next_offset)),
            ]
        return m
