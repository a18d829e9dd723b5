"""Fetches the program, checks each instruction, and dispatches in order."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.fifo import SyncFIFOBuffered
from amaranth.lib.wiring import In, Out

from hw.bus.axi import BEATS_BITS, TransferLayout
from hw.bus.gearbox import Packer
from hw.bus.prefetch import STREAM_LAYOUT
from hw.contract.config import MAX_CHANNELS, CoreConfig
from hw.contract.isa import INSTRUCTION_BITS, INSTRUCTION_BYTES, Base, Opcode, Prologue, Stationary
from hw.contract.registers import Error
from hw.engine.descriptor import CONV

from .instruction import DMA, RAW_DMA, dispatched

DMA_QUEUE = 8
"""LOADs and STOREs that may wait for the DMA engine."""
ERROR_BITS = 4


class ProgramFetch(wiring.Component):
    """Reads ``program_length`` instructions and hands them to the convolution engine and to DMA.

    A CONV goes to ``conv`` and, in the same cycle, its stationary stream to ``streams``; LOAD and STORE go
    through a queue to ``dma``. Dispatch is in order, so that a full queue holds up what comes after; as an
    instruction waits for earlier ones only (the compiler's promise), this ends. The program is read ahead as
    far as the FIFO in the reader allows. An instruction that is no good is not dispatched, and nothing after
    it.

    Args:
        config: gives the bus and the most tokens.

    Ports:
        start: take over ``program_offset`` (a multiple of 64) and ``program_length``; only once after each
            reset.
        image_base: address that the offset counts from.
        transfers, beats: to and from this client's ports of ``AxiReader``.
        conv, streams: dispatched convolutions, and their ``STREAM_LAYOUT``; taken together: neither READY may
            wait for its VALID. dma: dispatched LOADs and STOREs (``DMA``).
        conv_done, dma_done: counters of the run, from 0.
        ended: END was reached and everything dispatched before it is complete.
        error: what is wrong with an instruction, or Error.NONE. instruction: index of the last one that was
            looked at, dispatched or refused.

    Latency: two cycles from the beat that completes an instruction to its dispatch, two more through DMA's
    queue. Throughput: an instruction in three cycles, or as the bus delivers them.
    """

    def __init__(self, config: CoreConfig) -> None:
        self.config = config
        super().__init__(
            {
                "start": In(1),
                "image_base": In(config.axi_addr_width),
                "program_offset": In(32),
                "program_length": In(32),
                "transfers": Out(stream.Signature(TransferLayout(config.axi_addr_width))),
                "beats": In(stream.Signature(config.axi_data_width)),
                "conv": Out(stream.Signature(CONV)),
                "streams": Out(stream.Signature(STREAM_LAYOUT)),
                "dma": Out(stream.Signature(DMA)),
                "conv_done": In(16),
                "dma_done": In(16),
                "ended": Out(1),
                "error": Out(ERROR_BITS),
                "instruction": Out(32),
            }
        )

    def _refusal(self, m: Module, conv: data.View, dma: data.View) -> Signal:
        """Error code of the instruction, Error.NONE for a good one."""
        refusal = Signal(ERROR_BITS)
        conv_bad = (
            (conv.tokens == 0)
            | (conv.tokens > self.config.max_tokens)
            | (conv.k == 0)
            | (conv.k > MAX_CHANNELS)
            | (conv.n == 0)
            | (conv.n > MAX_CHANNELS)
            | (conv.stream_beats == 0)
            | conv.stream_beats[BEATS_BITS:].any()
            | (conv.prologue > max(Prologue))
            | (conv.stationary > max(Stationary))
        )
        dma_bad = (dma.rows == 0) | (dma.words == 0) | (dma.base > max(Base))
        with m.Switch(conv.opcode):
            with m.Case(Opcode.END):
                pass
            with m.Case(Opcode.CONV):
                m.d.comb += refusal.eq(Mux(conv_bad, Error.OPERAND, Error.NONE))
            with m.Case(Opcode.LOAD, Opcode.STORE):
                m.d.comb += refusal.eq(Mux(dma_bad, Error.OPERAND, Error.NONE))
            with m.Default():
                m.d.comb += refusal.eq(Error.OPCODE)
        return refusal

    def elaborate(self, platform: object) -> Module:
        m = Module()
        config = self.config
        m.submodules.packer = packer = Packer(config.axi_data_width, INSTRUCTION_BITS)
        m.submodules.dmas = dmas = SyncFIFOBuffered(width=DMA.size, depth=DMA_QUEUE)
        m.d.comb += [
            self.dma.payload.eq(dmas.r_data),
            self.dma.valid.eq(dmas.r_rdy),
            dmas.r_en.eq(self.dma.ready),
        ]

        word = packer.beats.payload
        conv, dma = data.View(CONV, word), data.View(RAW_DMA, word)
        m.d.comb += [
            packer.items.p.data.eq(self.beats.payload),
            packer.items.valid.eq(self.beats.valid),
            self.beats.ready.eq(packer.items.ready),
            self.conv.payload.eq(word),
            dmas.w_data.eq(dispatched(dma, dma.opcode == Opcode.STORE)),
            self.streams.p.offset.eq(conv.stream_offset),
            self.streams.p.beats.eq(conv.stream_beats),
        ]
        # What an instruction is and whether it is any good is known a cycle after it has come.
        refusal = Signal(ERROR_BITS)
        refused = Signal()
        ends = Signal()
        convolves = Signal()
        found = self._refusal(m, conv, dma)
        m.d.sync += [
            refusal.eq(found),
            refused.eq(found != Error.NONE),
            ends.eq(conv.opcode == Opcode.END),
            convolves.eq(conv.opcode == Opcode.CONV),
        ]

        beats_each = INSTRUCTION_BYTES // config.bus_bytes
        position = Signal(32)  # instructions dispatched so far
        conv_count, dma_count = Signal(16), Signal(16)
        left = Signal(32)
        with m.If(self.transfers.ready):
            m.d.sync += self.transfers.valid.eq(0)
        with m.FSM():
            with m.State("IDLE"):
                with m.If(self.start):
                    m.d.sync += [
                        left.eq(self.program_length),
                        self.transfers.p.address.eq(self.image_base + self.program_offset),
                        self.transfers.p.beats.eq(self.program_length * beats_each),
                        self.transfers.valid.eq(self.program_length != 0),
                    ]
                    m.next = "CHECK"
            with m.State("CHECK"):
                with m.If(left == 0):
                    m.d.sync += self.error.eq(Error.PROGRAM)
                    m.next = "STOPPED"
                with m.Elif(packer.beats.valid):
                    m.d.sync += self.instruction.eq(position)
                    m.next = "DISPATCH"
            with m.State("DISPATCH"):
                gone = Signal()
                with m.If(refused):
                    m.d.sync += self.error.eq(refusal)
                    m.next = "STOPPED"
                with m.Elif(ends):
                    m.next = "ENDED"
                with m.Elif(convolves):
                    m.d.comb += [
                        self.conv.valid.eq(self.streams.ready),
                        self.streams.valid.eq(self.conv.ready),
                        gone.eq(self.conv.ready & self.streams.ready),
                    ]
                    m.d.sync += conv_count.eq(conv_count + gone)
                with m.Else():
                    m.d.comb += [gone.eq(dmas.w_rdy), dmas.w_en.eq(1)]
                    m.d.sync += dma_count.eq(dma_count + gone)
                with m.If(gone):
                    m.next = "NEXT"
            with m.State("NEXT"):
                # A cycle of its own: the queues behind are far from the beats that come.
                m.d.comb += packer.beats.ready.eq(1)
                m.d.sync += [position.eq(position + 1), left.eq(left - 1)]
                m.next = "CHECK"
            with m.State("ENDED"):
                m.d.comb += self.ended.eq((self.conv_done == conv_count) & (self.dma_done == dma_count))
            with m.State("STOPPED"):
                pass
        return m
