"""The compute engine: loader, streamer, prologue, array, accumulators, epilogue and the two SRAMs, joined."""

from amaranth.hdl import Cat, Module, Mux, Signal, unsigned
from amaranth.lib import data, stream, wiring
from amaranth.lib.fifo import SyncFIFOBuffered
from amaranth.lib.wiring import In, Out, connect, flipped

from pointwise.hw.contract.config import CoreConfig
from pointwise.hw.contract.isa import Prologue as Kind
from pointwise.hw.contract.registers import Cause
from pointwise.hw.contract.timing import CONV_QUEUE, READ_LATENCY, Timing
from pointwise.hw.contract.walks import ADDRESS_BITS

from .accumulator import Accumulator
from .array import SystolicArray
from .banked_address import act_address, res_address
from .denominator import Denominator
from .descriptor import CONV, EPILOGUE, LOADER, STREAMER
from .epilogue import Epilogue
from .issue import TokenIssue
from .loader import Loader
from .primitives import ceil_log2, delay
from .prologue import Prologue
from .sram import Sram, read_port, write_port
from .streamer import Streamer
from .tags import TokenTag

LOOK_UP_CYCLES = 2
"""From the number of a token to its statistics: out of their memory, and out of the register behind it."""


class Engine(wiring.Component):
    """Executes convolutions in order on the contents of its SRAMs.

    Ports:
        zero: what the DMA writes to the SRAMs is zero, and so become row maxima and LayerNorm statistics. It
            is high two cycles before the first of them.
        zero_address: which of the maxima and statistics.
        conv: the instructions.
        rows: their stationary streams.
        flush: this row is the last one of a stream.
        dma_done: completed DMA instructions.
        rows_done: rows of the LOAD at work.
        conv_done: completed convolutions, a count.
        act_read: the DMA's port of the activation SRAM; like the other three of the lowest priority.
        act_write: the DMA's port of the activation SRAM.
        res_read: the DMA's port of the residual SRAM.
        res_write: the DMA's port of the residual SRAM.
        cause: what the cycle before went to, in reset ``IDLE``.
        idle: no convolution is anywhere.

    Latency: from the fetch of the last token of a convolution to its count in ``conv_done``
        R + C + 40 + ⌈C/P⌉ cycles or so, and about 20 more where LayerNorm statistics follow.
    """

    def __init__(self, config: CoreConfig) -> None:
        self.config = config
        act_bits, res_bits = 8 * config.rows, 16 * config.rows
        act, res = act_address(config), res_address(config)
        super().__init__(
            {
                "zero": In(1),
                "zero_address": In(ADDRESS_BITS),
                "conv": In(stream.Signature(CONV)),
                "rows": In(stream.Signature(unsigned(8 * config.row_bytes))),
                "flush": Out(1),
                "dma_done": In(16),
                "rows_done": In(16),
                "conv_done": Out(16),
                "act_read": In(read_port(act_bits, act)),
                "act_write": In(write_port(act_bits, config.rows, act)),
                "res_read": In(read_port(res_bits, res)),
                "res_write": In(write_port(res_bits, config.rows, res)),
                "cause": Out(Cause, init=Cause.IDLE),
                "idle": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        config = self.config
        timing = Timing(config)
        fetch_to_array = READ_LATENCY + Prologue.LATENCY
        m.submodules.act = act = Sram(act_address(config), config.rows, 8, readers=3, writers=2)
        m.submodules.res = res = Sram(res_address(config), config.rows, 16, readers=3, writers=2)
        m.submodules.loader = loader = Loader(config, fetch_to_array)
        m.submodules.streamer = streamer = Streamer(config)
        m.submodules.token_issue = issue = TokenIssue(config)
        m.submodules.prologue = prologue = Prologue(config)
        m.submodules.array = array = SystolicArray(config.rows, config.cols)
        m.submodules.denominator = denominator = Denominator(config)
        m.submodules.accumulator = accumulator = Accumulator(config.rows, config.cols, config.max_tokens)
        m.submodules.epilogue = epilogue = Epilogue(config)

        self._dispatch(m, loader, streamer, epilogue)
        exp_end = issue.ends & (issue.token.tag.prologue == Kind.EXPONENTIAL)
        m.d.comb += [
            loader.rows.payload.eq(self.rows.payload),
            loader.rows.valid.eq(self.rows.valid),
            self.rows.ready.eq(loader.rows.ready),
            self.flush.eq(loader.flush),
            loader.tile_end.eq(epilogue.tile_end),
            loader.act_end.eq(epilogue.table_end),
            loader.exp_end.eq(delay(m, exp_end, timing.exponentials, name="exp_end", reset_less=False)),
            loader.started.eq(issue.started),
            loader.hold.eq(epilogue.act_read.valid),
            issue.tile_next.eq(loader.tile_next),
            issue.stall_cause.eq(streamer.stall_cause),
            streamer.popped.eq(epilogue.popped),
            epilogue.dma_done.eq(self.dma_done),
            streamer.rows_done.eq(self.rows_done),
            streamer.words_done.eq(epilogue.words_done),
            epilogue.zero.eq(self.zero),
            epilogue.zero_address.eq(self.zero_address),
            act.zero.eq(self.zero),
            res.zero.eq(self.zero),
        ]
        connect(m, loader.parameters, epilogue.parameters)
        connect(m, loader.exp, prologue.table)
        connect(m, loader.act, epilogue.table)
        connect(m, loader.weights, array.weights)
        for unit in (loader, streamer):
            m.d.comb += [unit.conv_done.eq(self.conv_done), unit.dma_done.eq(self.dma_done)]
        m.d.sync += self.cause.eq(issue.cause)
        with m.If(epilogue.conv_done):
            m.d.sync += self.conv_done.eq(self.conv_done + 1)

        # SRAM ports by priority, the DMA last.
        self._read_first(m, act, epilogue, loader)
        connect(m, flipped(self.act_read), act.read[2])
        connect(m, epilogue.res_read, res.read[0])
        connect(m, flipped(self.res_read), res.read[2])
        connect(m, epilogue.act_write, act.write[0])
        connect(m, flipped(self.act_write), act.write[1])
        connect(m, epilogue.res_write, res.write[0])
        connect(m, flipped(self.res_write), res.write[1])
        connect(m, streamer.requests, issue.requests)
        for port, valid, ready, place in (
            (act.read[1], issue.act_valid, issue.act_ready, issue.token.act),
            (res.read[1], issue.res_valid, issue.res_ready, issue.token.res),
        ):
            m.d.comb += [port.valid.eq(valid), port.place.eq(place), ready.eq(port.ready)]

        self._into_the_array(m, issue, prologue, epilogue, loader, array)
        m.d.comb += [
            prologue.act_word.as_value().eq(act.read[1].data),
            prologue.res_word.as_value().eq(res.read[1].data),
        ]
        self._out_of_the_array(m, prologue, array, denominator, accumulator, epilogue)
        return m

    def _read_first(self, m: Module, act: Sram, epilogue: Epilogue, loader: Loader) -> None:
        """The first read port: the epilogue cannot wait, nor can the loader, which asks at other times.

        Both ask a cycle ahead, so that who else is granted a read in a cycle is decided by registers.
        """
        first = act.read[0]
        places = (port.place.as_value() for port in (epilogue.act_read, loader.read))
        asks = epilogue.act_read.valid | loader.read.valid
        m.d.comb += [
            first.valid.eq(delay(m, asks, 1, name="reads", reset_less=False)),
            first.place.as_value().eq(delay(m, Mux(epilogue.act_read.valid, *places), 1, name="reads_place")),
        ]
        for port in (epilogue.act_read, loader.read):
            m.d.comb += [port.ready.eq(first.ready), port.data.eq(first.data)]

    def _dispatch(self, m: Module, loader: Loader, streamer: Streamer, epilogue: Epilogue) -> None:
        """Each unit gets its part of every convolution through a queue of its own."""
        queues = []
        for name, unit, layout in (
            ("loader", loader, LOADER),
            ("streamer", streamer, STREAMER),
            ("epilogue", epilogue, EPILOGUE),
        ):
            queue = SyncFIFOBuffered(width=layout.size, depth=CONV_QUEUE)
            m.submodules[f"{name}_queue"] = queue
            wanted = Signal(layout, name=f"{name}_part")
            m.d.comb += [wanted[field].eq(self.conv.payload[field]) for field in layout.members]
            m.d.comb += [
                queue.w_stream.payload.eq(wanted.as_value()),
                queue.w_stream.valid.eq(self.conv.valid & self.conv.ready),
                unit.descriptor.payload.as_value().eq(queue.r_stream.payload),
                unit.descriptor.valid.eq(queue.r_stream.valid),
                queue.r_stream.ready.eq(unit.descriptor.ready),
            ]
            queues.append(queue)
        ready = Cat(queue.w_stream.ready for queue in queues).all()
        m.d.comb += self.conv.ready.eq(ready)
        begun = Signal(16)
        with m.If(self.conv.valid & ready):
            m.d.sync += begun.eq(begun + 1)
        m.d.comb += self.idle.eq(begun == self.conv_done)

    def _into_the_array(
        self,
        m: Module,
        issue: TokenIssue,
        prologue: Prologue,
        epilogue: Epilogue,
        loader: Loader,
        array: SystolicArray,
    ) -> None:
        m.d.comb += [
            prologue.valid.eq(delay(m, issue.issue, READ_LATENCY, name="fetched", reset_less=False)),
            prologue.shifts.eq(loader.shifts),
            array.token.eq(prologue.token),
            array.swap.eq(prologue.out_tag.swap & prologue.out_valid),
        ]
        tag = issue.token.tag
        for stage in range(READ_LATENCY):
            if stage == READ_LATENCY - LOOK_UP_CYCLES:
                m.d.comb += [
                    epilogue.stat_token.eq(delay(m, issue.token.stat_token, stage, name="stat_token")),
                    epilogue.max_slot.eq(delay(m, issue.token.max_slot, stage, name="max_slot")),
                ]
            later = Signal(TokenTag(self.config), name=f"fetch_tag{stage + 1}", reset_less=True)
            m.d.sync += later.eq(tag)
            tag = later
        statistics = Signal.like(epilogue.statistics, name="statistics", reset_less=True)
        row_max = Signal.like(epilogue.row_max, name="row_max", reset_less=True)
        m.d.sync += [statistics.eq(epilogue.statistics), row_max.eq(epilogue.row_max)]
        m.d.comb += [prologue.tag.eq(tag), prologue.statistics.eq(statistics), prologue.row_max.eq(row_max)]

    def _out_of_the_array(
        self,
        m: Module,
        prologue: Prologue,
        array: SystolicArray,
        denominator: Denominator,
        accumulator: Accumulator,
        epilogue: Epilogue,
    ) -> None:
        m.d.comb += [
            denominator.valid.eq(prologue.out_valid),
            denominator.tag.eq(prologue.out_tag),
            denominator.token.eq(prologue.token),
            denominator.slot.eq(epilogue.sum_slot),
            denominator.read_token.eq(epilogue.sum_token),
            epilogue.reciprocal.eq(denominator.reciprocal),
        ]
        # In a small array the sums would be there before the reciprocal of the row; then they wait.
        settle = max(0, denominator.latency - array.latency - Accumulator.LATENCY)
        arrives = array.latency + settle
        layout = data.StructLayout(
            {"first": 1, "last": 1, "maximum": 1, "token": unsigned(ceil_log2(self.config.max_tokens))}
        )
        tag = Signal(layout)
        m.d.comb += [tag[name].eq(prologue.out_tag[name]) for name in layout.members]
        arrived = data.View(layout, delay(m, tag.as_value(), arrives, name="array_tag"))
        m.d.comb += [
            accumulator.valid.eq(delay(m, prologue.out_valid, arrives, name="array_valid", reset_less=False)),
            accumulator.first.eq(arrived.first),
            accumulator.last.eq(arrived.last),
            accumulator.maximum.eq(arrived.maximum),
            accumulator.token.eq(arrived.token),
            accumulator.sums.as_value().eq(delay(m, array.result.as_value(), settle, name="array_result")),
        ]
        connect(m, accumulator.output, epilogue.acc)
