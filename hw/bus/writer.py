"""The AXI4 write master."""

from amaranth.hdl import Cat, Module, Mux, ResetInserter, Signal, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.fifo import SyncFIFO, SyncFIFOBuffered
from amaranth.lib.wiring import In, Out

from pointwise.hw.contract.config import CoreConfig
from pointwise.hw.contract.isa import Base
from pointwise.hw.contract.timing import outstanding_bursts

from .axi import AxiWrite, drive_constants
from .bursts import BurstLayout
from .window import BEATS_BITS, WINDOWS, TransferLayout, WindowLayout


class AxiWriter(wiring.Component):
    """Writes consecutive beats over AXI4.

    A transfer is cut into INCR bursts of whole beats that end at multiples of ``axi_burst`` beats, so that
    none crosses a 4 KB border. A burst's address is sent when all its data is in the FIFO: the bus is never
    held by a burst whose data is still being computed, and every burst that was begun can be ended. All
    bursts have id 0.

    The window of the output may be written. A transfer that names another one, or does not lie in it as a
    whole, is refused: none of its bursts reaches the bus, and nothing of what follows it.

    Args:
        config: gives the bus and the longest burst.

    Ports:
        axi: the bus. BREADY is always high.
        windows: by ``Base``; they change only during ``halt``.
        transfers: where to write.
        beats: the data, whole beats, in the same order.
        halt: forget transfers and data. Bursts whose address was offered are ended with WSTRB = 0 and their
            answers awaited. Hold it until ``idle``.
        idle: in the cycle before there was nothing to write: no transfer, no data, no answer outstanding.
        error: a burst was answered SLVERR or DECERR, or a transfer was refused; it lasts until ``halt``.
        error_address: of the first such burst.
        refused: it was a transfer.
        progress: a beat or an answer went over the bus in this cycle.

    Latency: two cycles from the last beat of a burst to AWVALID, one more to WVALID; two from a transfer
    until its first beat is taken. Throughput: one beat a cycle, a transfer in two cycles.
    """

    def __init__(self, config: CoreConfig) -> None:
        self.config = config
        width, addr_width = config.axi_data_width, config.axi_addr_width
        super().__init__(
            {
                "axi": Out(AxiWrite(width, addr_width)),
                "windows": In(WindowLayout(addr_width)).array(WINDOWS),
                "transfers": In(stream.Signature(TransferLayout())),
                "beats": In(stream.Signature(width)),
                "halt": In(1),
                "idle": Out(1, init=1),
                "error": Out(1),
                "error_address": Out(addr_width),
                "refused": Out(1),
                "progress": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        config, axi = self.config, self.axi
        width, addr_width, burst = config.axi_data_width, config.axi_addr_width, config.axi_burst
        lane_bits = (width // 8).bit_length() - 1
        depth = max(16, 2 * burst)
        outstanding = outstanding_bursts(burst)
        burst_layout = BurstLayout(addr_width, burst)

        owed = Signal(range(outstanding + 1))  # bursts with an address on the bus and data still in the FIFO
        owing = Signal()  # there are any
        flush = Signal()
        m.d.comb += flush.eq(self.halt & ~owing)
        m.submodules.fifo = fifo = ResetInserter(flush)(SyncFIFOBuffered(width=width + 1, depth=depth + 1))
        m.submodules.queue = queue = ResetInserter(self.halt)(SyncFIFO(width=burst_layout.size, depth=depth))
        m.submodules.answers = answers = SyncFIFO(width=addr_width, depth=outstanding)

        # The transfer that comes next. It is taken while none waits, so that who asks is told by a register.
        waiting = Signal()
        next_first = Signal(addr_width - lane_bits)
        next_beats = Signal(BEATS_BITS)
        next_final = Signal()  # it has but one beat
        transfer = self.transfers.p
        first_beat = transfer.offset[lane_bits:]
        next_end = Signal(max(BEATS_BITS, len(first_beat)) + 1)  # the beat behind the last one, in the window
        next_named = Signal()  # the window is the one that may be written
        base = Signal(addr_width)
        limit = self.windows[Base.OUTPUT].bytes[lane_bits:]
        begins = Signal()
        m.d.comb += self.transfers.ready.eq(~waiting)
        with m.Switch(transfer.window):
            for index, window in enumerate(self.windows):
                with m.Case(index):
                    m.d.comb += base.eq(window.base)
        with m.If(begins):
            m.d.sync += waiting.eq(0)
        with m.If(self.transfers.valid & ~waiting):
            m.d.sync += [
                waiting.eq(1),
                next_first.eq(base[lane_bits:] + first_beat),
                next_end.eq(first_beat + transfer.beats),
                next_named.eq(transfer.window == Base.OUTPUT),
                next_beats.eq(transfer.beats),
                next_final.eq(transfer.beats == 1),
            ]

        # In: count the beats of a transfer and mark where bursts end.
        active = Signal()
        first = Signal(addr_width - lane_bits)  # of the burst, in beats
        length = Signal(range(max(2, burst)))
        place = Signal(range(max(2, burst)))  # of the next beat between two borders
        remaining = Signal(BEATS_BITS)
        final = Signal()  # the next beat is the last of its transfer, and of its burst
        ends = Signal()
        taken = Signal()
        outside = Signal()  # the transfer at work; it is the last one

        def at_border(beat: Value) -> Value:
            return (beat & (burst - 1)) == burst - 1

        # Registers, so that who gives the data is not kept waiting for comparisons: two beats may still come.
        roomy = Signal()
        accepts = Signal()
        goes_on = Signal()
        m.d.sync += [
            roomy.eq((fifo.level < depth - 2) & (queue.level < depth - 2)),
            accepts.eq(goes_on & roomy & ~self.halt),
        ]
        m.d.comb += [
            self.beats.ready.eq(accepts),
            taken.eq(self.beats.valid & accepts),
            begins.eq(waiting & (~active | (taken & final)) & ~outside),
            goes_on.eq(begins | (active & ~(taken & final))),
            fifo.w_stream.valid.eq(taken),
            fifo.w_stream.payload.eq(Cat(self.beats.payload, ends)),
            queue.w_stream.valid.eq(taken & ends & ~outside),
            queue.w_stream.payload.eq(
                Cat((first << lane_bits)[:addr_width], length)
            ),  # in the order of burst_layout
        ]
        m.d.sync += active.eq(goes_on)
        with m.If(taken):
            m.d.sync += [
                remaining.eq(remaining - 1),
                final.eq(remaining == 2),
                ends.eq((remaining == 2) | at_border(place + 1)),
                length.eq(length + 1),
                place.eq(place + 1),
            ]
            with m.If(ends):
                m.d.sync += [first.eq(first + length + 1), length.eq(0)]
        with m.If(begins):
            m.d.sync += [
                first.eq(next_first),
                length.eq(0),
                remaining.eq(next_beats),
                final.eq(next_final),
                place.eq(next_first),
                ends.eq(next_final | at_border(next_first)),
                outside.eq(~next_named | (next_end > limit)),
            ]
        with m.If(self.halt):
            m.d.sync += [waiting.eq(0), active.eq(0), outside.eq(0)]

        # AW: bursts that are complete.
        begin = Signal()
        vacant = Signal()
        m.d.sync += vacant.eq(answers.level < outstanding - 1)  # one may just have begun
        offer = data.View(burst_layout, queue.r_stream.payload)
        m.d.comb += [
            begin.eq(queue.r_stream.valid & vacant & (~axi.awvalid | axi.awready) & ~self.halt),
            queue.r_stream.ready.eq(begin),
            answers.w_stream.valid.eq(begin),
            answers.w_stream.payload.eq(offer.address),
        ]
        with m.If(axi.awready):
            m.d.sync += axi.awvalid.eq(0)
        with m.If(begin):
            m.d.sync += [axi.awvalid.eq(1), axi.awaddr.eq(offer.address), axi.awlen.eq(offer.length)]
        drive_constants(m, axi, "aw")

        # W: the data of what was begun.
        send = Signal()
        ended = Signal()
        m.d.comb += [
            send.eq(owing & fifo.r_stream.valid & (~axi.wvalid | axi.wready)),
            fifo.r_stream.ready.eq(send),
            ended.eq(send & fifo.r_stream.payload[width]),
        ]
        m.d.sync += [
            owed.eq(owed + begin - ended),
            owing.eq(begin | (owed > 1) | ((owed == 1) & ~ended)),
        ]
        with m.If(axi.wready):
            m.d.sync += axi.wvalid.eq(0)
        with m.If(send):
            m.d.sync += [
                axi.wvalid.eq(1),
                axi.wdata.eq(fifo.r_stream.payload[:width]),
                axi.wlast.eq(fifo.r_stream.payload[width]),
                axi.wstrb.eq((~self.halt).replicate(width // 8)),
            ]

        # B: in order.
        m.d.comb += [
            axi.bready.eq(1),
            answers.r_stream.ready.eq(axi.bvalid),
            self.progress.eq((axi.wvalid & axi.wready) | axi.bvalid),
        ]
        # All data that is in the FIFO belongs to the transfer at work, to a burst that is complete or to one
        # that has no answer yet.
        m.d.sync += self.idle.eq(~(waiting | active | queue.r_stream.valid | answers.r_stream.valid))
        with m.If(self.halt):
            m.d.sync += self.error.eq(0)
        with m.Elif(~self.error):
            failed = axi.bvalid & answers.r_stream.valid & axi.bresp[1]
            # The refused transfer's own address stands for a cycle.
            m.d.sync += [
                self.error.eq(failed | outside),
                self.refused.eq(outside),
                self.error_address.eq(
                    Mux(outside, (first << lane_bits)[:addr_width], answers.r_stream.payload)
                ),
            ]
        return m
