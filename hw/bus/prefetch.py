"""Fetches the stationary streams of the convolutions, ahead of the array."""

from amaranth.hdl import Module, Signal, unsigned
from amaranth.lib import data, stream, wiring
from amaranth.lib.fifo import SyncFIFO
from amaranth.lib.wiring import In, Out

from pointwise.hw.contract.config import CoreConfig
from pointwise.hw.contract.isa import Base
from pointwise.hw.contract.timing import CONV_QUEUE

from .gearbox import InputWidthConverter, PacketTruncator, TaggedBeat
from .slice import ElasticBuffer
from .window import BEATS_BITS, TransferLayout

STREAM_LAYOUT = data.StructLayout({"offset": unsigned(32), "beats": unsigned(BEATS_BITS)})
"""A stationary stream: byte offset in the image, a multiple of 64, and length in beats (1..2^30)."""


class StreamPrefetch(wiring.Component):
    """Reads the streams of dispatched convolutions in order, back to back, and offers them as rows.

    The next streams are read while the rows of the present one are consumed, as far as the FIFO in the reader
    (and two queues of CONV_QUEUE streams) allows.

    Ports:
        streams: what to fetch, in the order of the convolutions.
        transfers: to this client's port of ``AxiReader``.
        beats: from it.
        rows: rows of ``row_bytes``, column 0 in the low byte.
        flush: high while the last row of a convolution is on offer; when it is taken the padding of the
            stream is dropped, and the next row is the first of the next stream.

    Latency: two cycles from ``streams`` to ``transfers``, two from a beat to its row. Throughput: a row or a
    beat a cycle, whichever is the smaller; the padding, less than 64 bytes, costs a cycle a row, and a stream
    begins two cycles after the last beat of the one before.
    """

    def __init__(self, config: CoreConfig) -> None:
        self.config = config
        super().__init__(
            {
                "streams": In(stream.Signature(STREAM_LAYOUT)),
                "transfers": Out(stream.Signature(TransferLayout())),
                "beats": In(stream.Signature(config.axi_data_width)),
                "rows": Out(stream.Signature(8 * config.row_bytes)),
                "flush": In(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        config = self.config
        m.submodules.queue = queue = SyncFIFO(width=STREAM_LAYOUT.size, depth=CONV_QUEUE)
        m.submodules.lengths = lengths = SyncFIFO(width=BEATS_BITS, depth=CONV_QUEUE)
        row_bits = 8 * config.row_bytes
        m.submodules.unpacker = unpacker = InputWidthConverter(config.axi_data_width, row_bits)
        # Who takes the rows is far away and decides late whether he does; that must not reach back to the
        # FIFO of the reader.
        m.submodules.slice = held = ElasticBuffer(TaggedBeat(row_bits))
        m.submodules.trimmer = trimmer = PacketTruncator(row_bits)
        m.d.comb += [
            queue.w_stream.payload.eq(self.streams.payload),
            queue.w_stream.valid.eq(self.streams.valid),
            self.streams.ready.eq(queue.w_stream.ready),
        ]

        # Ask for a stream, and remember its length so that its end can be marked.
        wanted = data.View(STREAM_LAYOUT, queue.r_stream.payload)
        ask = Signal()
        m.d.comb += [
            ask.eq(queue.r_stream.valid & lengths.w_stream.ready & ~self.transfers.valid),
            queue.r_stream.ready.eq(ask),
            lengths.w_stream.valid.eq(ask),
            lengths.w_stream.payload.eq(wanted.beats),
        ]
        m.d.comb += self.transfers.p.window.eq(Base.IMAGE)
        with m.If(self.transfers.ready):
            m.d.sync += self.transfers.valid.eq(0)
        with m.If(ask):
            m.d.sync += [
                self.transfers.valid.eq(1),
                self.transfers.p.offset.eq(wanted.offset),
                self.transfers.p.beats.eq(wanted.beats),
            ]

        # Count the beats that are to come, and mark the last of each stream. The comparison takes a cycle.
        left = Signal(BEATS_BITS)
        loaded = Signal()  # there is a stream
        known = Signal()  # whether its first beat is its last
        final = Signal()
        taken = Signal()
        m.d.comb += [
            unpacker.beats.p.data.eq(self.beats.payload),
            unpacker.beats.p.last.eq(final),
            unpacker.beats.valid.eq(self.beats.valid & known),
            self.beats.ready.eq(unpacker.beats.ready & known),
            taken.eq(self.beats.valid & self.beats.ready),
            lengths.r_stream.ready.eq(~loaded),
        ]
        with m.If(~loaded):
            m.d.sync += [left.eq(lengths.r_stream.payload), loaded.eq(lengths.r_stream.valid)]
        with m.Elif(~known):
            m.d.sync += [final.eq(left == 1), known.eq(1)]
        with m.Elif(taken):
            m.d.sync += [left.eq(left - 1), final.eq(left == 2)]
            with m.If(final):
                m.d.sync += [loaded.eq(0), known.eq(0)]

        m.d.comb += trimmer.flush.eq(self.flush)
        wiring.connect(m, unpacker.items, held.i)
        wiring.connect(m, held.o, trimmer.blocks)
        wiring.connect(m, trimmer.items, wiring.flipped(self.rows))
        return m
