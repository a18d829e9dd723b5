"""The DMA engine: LOAD and STORE between DRAM and the on-chip memories."""

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from pointwise.hw.bus.slice import RegisterSlice
from pointwise.hw.bus.window import BEATS_BITS, OFFSET_BITS, TransferLayout
from pointwise.hw.contract.config import CoreConfig
from pointwise.hw.contract.isa import Space
from pointwise.hw.contract.walks import ADDRESS_BITS
from pointwise.hw.control.instruction import DMA, INDEX_BITS
from pointwise.hw.engine.banked_address import act_address, res_address
from pointwise.hw.engine.sram import read_port, write_port

from .block_addresses import COUNT_BITS, BlockAddressGenerator
from .paths import BlockWord, LoadPath, StorePath, word_bytes


class DmaEngine(wiring.Component):
    """Executes LOAD and STORE one after the other, in order.

    An instruction waits until ``conv_done`` and ``dma_done`` have come up to its ``wait_conv`` and
    ``wait_dma``. Rows lie in DRAM as packed words of ``act_word_bytes`` or ``res_word_bytes``; each starts at
    its own address, a multiple of 64, and fills whole beats, the last with zeros. All lanes of a word are
    written.

    Ports:
        sweep: write every word of both memories, one of each in a cycle, as all there is after a reset; what
            is written is for the memories to say.
        swept: high for a cycle at its end.
        sweep_address: the word that is next, below ``swept_words`` of the configuration.
        instructions: what to do (``DMA``).
        conv_done: completed convolutions of the run.
        dma_done: completed DMA instructions of the run.
        transfers: to this client's port of ``AxiReader``.
        beats: from it.
        write_transfers: to ``AxiWriter``, which nobody else may use.
        write_beats: to ``AxiWriter``.
        writer_idle: from ``AxiWriter``.
        act_read: port of the activation SRAM.
        act_write: port of the activation SRAM.
        res_read: port of the residual SRAM.
        res_write: port of the residual SRAM.
        done: high for a cycle after the last word of a LOAD has been written, or the last answer to a STORE
            has come.
        rows_done: rows of the LOAD at work that are complete in the memory; 0 from the cycle after ``done``.
        instruction: index of the LOAD or STORE at work, or of the last one.

    Latency: two cycles from what an instruction waits for to the first transfer. Throughput: a beat or a word
    a cycle, whichever is the smaller, with one transfer for each row; a STORE ends with the latency of the
    memory.
    """

    def __init__(self, config: CoreConfig) -> None:
        self.config = config
        width, rows = config.axi_data_width, config.rows
        act, res = act_address(config), res_address(config)
        super().__init__(
            {
                "sweep": In(1),
                "swept": Out(1),
                "sweep_address": Out(ADDRESS_BITS),
                "instructions": In(stream.Signature(DMA)),
                "conv_done": In(COUNT_BITS),
                "dma_done": In(COUNT_BITS),
                "transfers": Out(stream.Signature(TransferLayout())),
                "beats": In(stream.Signature(width)),
                "write_transfers": Out(stream.Signature(TransferLayout())),
                "write_beats": Out(stream.Signature(width)),
                "writer_idle": In(1),
                "act_read": Out(read_port(rows * 8, act)),
                "act_write": Out(write_port(rows * 8, rows, act)),
                "res_read": Out(read_port(rows * 16, res)),
                "res_write": Out(write_port(rows * 16, rows, res)),
                "done": Out(1),
                "rows_done": Out(COUNT_BITS),
                "instruction": Out(INDEX_BITS),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        config = self.config
        m.submodules.walker = walker = BlockAddressGenerator(config.swept_words - 1)
        m.submodules.load = load = LoadPath(config)
        m.submodules.store = store = StorePath(config)
        m.submodules.held = held = RegisterSlice(BlockWord(config))
        for path, names in ((load, ("act_write", "res_write")), (store, ("act_read", "res_read"))):
            for name in names:
                wiring.connect(m, getattr(path, name), wiring.flipped(getattr(self, name)))
        wiring.connect(m, load.beats, wiring.flipped(self.beats))
        wiring.connect(m, store.beats, wiring.flipped(self.write_beats))

        sweeping = Signal()
        with m.If(self.sweep):
            m.d.sync += sweeping.eq(1)
        m.d.comb += [
            walker.sweep.eq(self.sweep),
            load.sweep.eq(sweeping),
            self.swept.eq(self.done & sweeping),
            self.sweep_address.eq(walker.places.p.address),
        ]

        command = self.instructions.p
        storing = Signal()
        space = Signal()
        start = Signal()
        m.d.comb += [
            walker.base.eq(command.sram_base),
            walker.stride.eq(command.sram_stride),
            walker.rows.eq(command.rows),
            walker.words.eq(command.words),
            walker.start.eq(start),
            load.space.eq(space),
            store.space.eq(space),
            held.i.p.act.eq(act_address(config).decode(m, walker.places.p.address, "act")),
            held.i.p.res.eq(res_address(config).decode(m, walker.places.p.address, "res")),
            held.i.p.row_end.eq(walker.places.p.row_end),
            held.i.valid.eq(walker.places.valid),
            walker.places.ready.eq(held.i.ready),
            load.words.payload.eq(held.o.payload),
            store.words.payload.eq(held.o.payload),
            load.words.valid.eq(held.o.valid & ~storing),
            store.words.valid.eq(held.o.valid & storing),
            held.o.ready.eq(Mux(storing, store.words.ready, load.words.ready)),
        ]

        # One transfer for each row.
        window = Signal(2)
        offset = Signal(OFFSET_BITS)
        stride = Signal(OFFSET_BITS - 1)
        beats = Signal(BEATS_BITS)
        rows_left = Signal(COUNT_BITS)
        asking = Signal()
        for port, chosen in ((self.transfers, ~storing), (self.write_transfers, storing)):
            m.d.comb += [
                port.p.window.eq(window),
                port.p.offset.eq(offset),
                port.p.beats.eq(beats),
                port.valid.eq(asking & chosen),
            ]
        with m.If(asking & Mux(storing, self.write_transfers.ready, self.transfers.ready)):
            following = offset[:-1] + stride
            # What has gone too far stays too far.
            m.d.sync += offset.eq(Cat(following[:-1], following[-1] | offset[-1]))
            m.d.sync += [rows_left.eq(rows_left - 1), asking.eq(rows_left != 1)]

        # Whole beats of a row of the block.
        needed = Signal(BEATS_BITS)
        for space_of in Space:
            with m.If(command.space == space_of):
                row_bytes = command.words * word_bytes(config, space_of)
                m.d.comb += needed.eq((row_bytes + config.bus_bytes - 1) >> config.bus_bytes.bit_length() - 1)

        with m.If(self.done):
            m.d.sync += self.rows_done.eq(0)
        with m.Elif(load.row_written):
            m.d.sync += self.rows_done.eq(self.rows_done + 1)
        m.d.sync += self.done.eq(0)
        met = (self.conv_done >= command.wait_conv) & (self.dma_done >= command.wait_dma)
        allowed = Signal()
        stored = store.idle & self.writer_idle
        m.d.sync += allowed.eq(self.instructions.valid & met & ~start)
        with m.FSM():
            with m.State("WAIT"):
                with m.If(allowed):
                    m.d.comb += [start.eq(1), self.instructions.ready.eq(1)]
                    m.d.sync += [
                        storing.eq(command.store),
                        space.eq(command.space),
                        self.instruction.eq(command.index),
                        window.eq(command.base),
                        offset.eq(command.dram_offset),
                        stride.eq(command.dram_stride),
                        beats.eq(needed),
                        rows_left.eq(command.rows),
                        asking.eq(1),
                    ]
                    m.next = "RUN"
                with m.If(self.sweep):
                    m.next = "RUN"
            with m.State("RUN"):
                with m.If(~walker.busy & ~held.o.valid & Mux(storing, stored, load.idle)):
                    m.d.sync += self.done.eq(1)
                    m.next = "WAIT"
        return m
