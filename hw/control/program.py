"""Fetches the program, checks each instruction, and dispatches in order."""

from collections.abc import Sequence

from amaranth.hdl import Cat, Module, Mux, Signal, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.fifo import SyncFIFO
from amaranth.lib.wiring import In, Out

from pointwise.hw.bus.gearbox import InputWidthConverter
from pointwise.hw.bus.prefetch import STREAM_LAYOUT
from pointwise.hw.bus.window import TransferLayout
from pointwise.hw.contract.config import CoreConfig
from pointwise.hw.contract.isa import INSTRUCTION_BITS, INSTRUCTION_BYTES, Base, Opcode
from pointwise.hw.contract.legal import CONV_RULES, DMA_RULES, core_bounds
from pointwise.hw.contract.registers import Error
from pointwise.hw.contract.rules import AnyRule, Values
from pointwise.hw.contract.timing import DMA_QUEUE
from pointwise.hw.engine.descriptor import CONV

from .instruction import DMA, RAW_DMA, dispatched

ERROR_BITS = 4
WIDEST = 32
"""Bits that are compared in a cycle."""


class ProgramFetch(wiring.Component):
    """Reads ``program_length`` instructions and hands them to the convolution engine and to DMA.

    A CONV goes to ``conv`` and its stationary stream to ``streams``; LOAD and STORE go through a queue to
    ``dma``. Dispatch is in order, so that a full queue holds up what comes after; as an instruction waits for
    earlier ones only (one of the rules), this ends. The program is read ahead as far as the FIFO in the
    reader allows. An instruction that breaks a rule of ``hw.contract.legal`` is not dispatched, and nothing
    after it. Nor is a CONV whose stream leaves the image; but its stream is, so that the reader refuses that
    and tells where it is.

    Args:
        config: gives the bus and the most tokens.

    Ports:
        start: take over the next two; only once after each reset.
        program_offset: byte of the image where the program begins, a multiple of 64.
        program_length: its instructions.
        image_bytes: of the window that program and streams lie in; constant during a run.
        transfers: to this client's port of ``AxiReader``.
        beats: from it.
        conv: dispatched convolutions, each offered until it is taken.
        streams: their ``STREAM_LAYOUT``, likewise.
        dma: dispatched LOADs and STOREs (``DMA``).
        conv_done: completed convolutions of the run, from 0.
        dma_done: completed DMA instructions of the run, from 0.
        ended: END was reached and, a cycle ago, everything dispatched before it was complete.
        error: what is wrong with an instruction, or Error.NONE.
        instruction: index of the last one that was looked at, dispatched or refused.

    Latency: DISPATCH and one from the beat that completes an instruction to its dispatch, two more
    through DMA's queue. Throughput: an instruction in as many cycles as it has beats,
    and DISPATCH and DISPATCHED more, or as the bus delivers them.
    """

    def __init__(self, config: CoreConfig) -> None:
        self.config = config
        super().__init__(
            {
                "start": In(1),
                "image_bytes": In(32),
                "program_offset": In(32),
                "program_length": In(32),
                "transfers": Out(stream.Signature(TransferLayout())),
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

    def _refusal(self, m: Module, conv: data.View, dma: data.View, counts: Values) -> tuple[Value, Value]:
        """That the instruction is no good, and the error code; two cycles after it has come."""
        bounds = core_bounds(self.config) | dict(counts)

        def kept(value: Value, name: str) -> Signal:
            """A value, or a condition, in a register."""
            register = Signal(len(value), name=name)
            m.d.sync += register.eq(value)
            return register

        def broken(name: str, rules: Sequence[AnyRule], view: data.View) -> Value:
            """That one of the rules is not kept; a cycle after the instruction has come, and a comparison."""
            fields = {field: view[field] for field, _ in view.shape()}
            bad = []
            for index, rule in enumerate(rules):
                where = f"{name}_{index}"
                value = rule.value(fields)
                if len(rule.fields) > 1:  # a sum and its comparison take a cycle each
                    assert rule.when is not None  # a sum is asked for under a condition
                    total, applies = (
                        kept(value, f"total_{where}"),
                        kept(rule.when.met(fields), f"when_{where}"),
                    )
                    bad.append(applies & ~rule.inside(total, bounds))
                elif len(value) > WIDEST:  # nothing but reserved bits, all of which are 0
                    parts = (value[start : start + WIDEST] for start in range(0, len(value), WIDEST))
                    bad += [kept(part.any(), f"bad_{where}_{n}") for n, part in enumerate(parts)]
                else:
                    bad.append(kept(~rule.holds(fields, bounds), f"bad_{where}"))
            return Cat(bad).any()

        conv_bad = broken("conv", CONV_RULES, conv)
        dma_bad = broken("dma", DMA_RULES, dma)
        refused = Signal()
        unknown = Signal()
        m.d.sync += [refused.eq(0), unknown.eq(0)]
        with m.Switch(conv.opcode):
            with m.Case(Opcode.END):
                pass
            with m.Case(Opcode.CONV):
                m.d.sync += refused.eq(conv_bad)
            with m.Case(Opcode.LOAD, Opcode.STORE):
                m.d.sync += refused.eq(dma_bad)
            with m.Default():
                m.d.sync += [refused.eq(1), unknown.eq(1)]
        return refused, Mux(unknown, Error.OPCODE, Error.OPERAND)

    def _dma_queue(self, m: Module, payload: Value) -> tuple[Value, Value]:
        """LOADs and STOREs that wait: a queue with a register behind it, of DMA_QUEUE together.

        Returns:
            VALID, to be driven, and READY of what goes in.
        """
        m.submodules.dmas = dmas = SyncFIFO(width=DMA.size, depth=DMA_QUEUE - 1)
        m.d.comb += [dmas.w_stream.payload.eq(payload), dmas.r_stream.ready.eq(~self.dma.valid)]
        with m.If(self.dma.ready):
            m.d.sync += self.dma.valid.eq(0)
        with m.If(~self.dma.valid):
            m.d.sync += [self.dma.payload.eq(dmas.r_stream.payload), self.dma.valid.eq(dmas.r_stream.valid)]
        return dmas.w_stream.valid, dmas.w_stream.ready

    def elaborate(self, platform: object) -> Module:
        m = Module()
        config = self.config
        m.submodules.unpacker = unpacker = InputWidthConverter(config.axi_data_width, INSTRUCTION_BITS)
        word = unpacker.items.p.data
        conv, dma = data.View(CONV, word), data.View(RAW_DMA, word)
        m.d.comb += [
            unpacker.beats.p.data.eq(self.beats.payload),
            unpacker.beats.valid.eq(self.beats.valid),
            self.beats.ready.eq(unpacker.beats.ready),
            self.conv.payload.eq(word),
            self.streams.p.offset.eq(conv.stream_offset),
            self.streams.p.beats.eq(conv.stream_beats),
        ]
        conv_count = Signal(16)
        dma_count = Signal(16)
        refused, refusal = self._refusal(m, conv, dma, {"convs": conv_count, "dmas": dma_count})
        ends = Signal()
        convolves = Signal()
        m.d.sync += [ends.eq(conv.opcode == Opcode.END), convolves.eq(conv.opcode == Opcode.CONV)]

        # Where the stream ends is compared in the cycle after it is added up.
        lane_bits = config.bus_bytes.bit_length() - 1
        stream_end = Signal(33)  # in beats
        leaves = Signal()
        m.d.sync += [
            stream_end.eq((conv.stream_offset >> lane_bits) + conv.stream_beats),
            leaves.eq((conv.opcode == Opcode.CONV) & (stream_end > self.image_bytes >> lane_bits)),
        ]

        # On offer, each until it is taken: to ``conv``, to ``streams``, to the queue of the DMA.
        index = self.instruction
        queue_valid, queue_ready = self._dma_queue(m, dispatched(dma, index, dma.opcode == Opcode.STORE))
        dma_valid = Signal()
        m.d.comb += queue_valid.eq(dma_valid)
        offers = (
            (self.conv.valid, self.conv.ready),
            (self.streams.valid, self.streams.ready),
            (dma_valid, queue_ready),
        )
        for valid, ready in offers:
            with m.If(ready):
                m.d.sync += valid.eq(0)

        beats_each = INSTRUCTION_BYTES // config.bus_bytes
        position = Signal(32)  # instructions dispatched so far
        left = Signal(32)
        none_left = Signal()
        next_one = Signal()
        m.d.comb += [unpacker.items.ready.eq(next_one), self.transfers.p.window.eq(Base.IMAGE)]
        m.d.sync += [
            none_left.eq(left == 0),
            next_one.eq(0),
        ]
        with m.If(self.transfers.ready):
            m.d.sync += self.transfers.valid.eq(0)
        with m.FSM():
            with m.State("IDLE"):
                with m.If(self.start):
                    m.d.sync += [
                        left.eq(self.program_length),
                        self.transfers.p.offset.eq(self.program_offset),
                        self.transfers.p.beats.eq(self.program_length * beats_each),
                        self.transfers.valid.eq(self.program_length != 0),
                    ]
                    m.next = "NEXT"
            with m.State("WAIT"):
                with m.If(none_left):
                    m.d.sync += self.error.eq(Error.PROGRAM)
                    m.next = "STOPPED"
                with m.Elif(unpacker.items.valid):
                    m.d.sync += [self.instruction.eq(position), left.eq(left - 1)]
                    m.next = "JUDGE"
            with m.State("JUDGE"):
                m.next = "DISPATCH"
            with m.State("DISPATCH"):
                m.d.sync += position.eq(position + 1)
                with m.If(refused):
                    m.d.sync += self.error.eq(refusal)
                    m.next = "STOPPED"
                with m.Elif(ends):
                    m.next = "ENDED"
                with m.Else():
                    m.d.sync += [
                        self.conv.valid.eq(convolves & ~leaves),
                        self.streams.valid.eq(convolves),
                        dma_valid.eq(~convolves),
                        conv_count.eq(conv_count + convolves),
                        dma_count.eq(dma_count + ~convolves),
                    ]
                    m.next = "OFFER"
            with m.State("OFFER"):
                # They are looked at a cycle later: their READY comes from far away.
                with m.If(leaves):
                    m.next = "STOPPED"
                with m.Elif(~Cat(valid for valid, _ in offers).any()):
                    m.d.sync += next_one.eq(1)
                    m.next = "NEXT"
            with m.State("NEXT"):
                # The instruction goes, if there was one, and what is left is compared with zero.
                m.next = "WAIT"
            with m.State("ENDED"):
                m.d.sync += self.ended.eq((self.conv_done == conv_count) & (self.dma_done == dma_count))
            with m.State("STOPPED"):
                pass
        return m
