"""The streamer: fetches the tokens of every tile, and says in every cycle what it does or waits for."""

from amaranth.hdl import Module, Mux, Signal, Value, signed, unsigned
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from hw.contract.config import CoreConfig, next_power_of_two
from hw.contract.isa import Prologue as Kind
from hw.contract.registers import Cause

from .accumulator import REVISIT_CYCLES
from .cells import bits_for
from .descriptor import STREAMER
from .sram import ADDRESS_BITS
from .tags import TokenTag


class Streamer(wiring.Component):
    """Walks each convolution: for each N-tile, for each K-tile, for each token, one token a cycle.

    Ports:
        descriptor: convolutions in order. conv_done, dma_done: counts, for wait_conv and wait_dma.
        rows_done: complete rows of the LOAD at work, for follow.
        tile_ready, started: the loader's tile is in the shadows; its first token is fetched in this cycle.
        popped: the epilogue has taken a token out of the output FIFO.
        act_valid, act_ready, res_valid, res_ready, address: requests to the two SRAMs (one at a time).
        issue, tag: a token is granted in this cycle. stat_token, max_slot: where its statistics lie.
        exp_end: the last token of a convolution with exponentials is fetched.
        cause: what this cycle goes to.

    Throughput: one token a cycle, with no bubble between tiles, N-tiles and convolutions whose needs are met.
    """

    def __init__(self, config: CoreConfig) -> None:
        self.config = config
        token = unsigned(bits_for(config.max_tokens))
        super().__init__(
            {
                "descriptor": In(stream.Signature(STREAMER)),
                "conv_done": In(16),
                "dma_done": In(16),
                "rows_done": In(16),
                "tile_ready": In(1),
                "started": Out(1),
                "popped": In(1),
                "act_valid": Out(1),
                "act_ready": In(1),
                "res_valid": Out(1),
                "res_ready": In(1),
                "address": Out(ADDRESS_BITS),
                "issue": Out(1),
                "tag": Out(TokenTag(config)),
                "stat_token": Out(token),
                "max_slot": Out(1),
                "exp_end": Out(1),
                "cause": Out(Cause),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        config = self.config
        rows, cols = config.rows, config.cols
        conv, active = Signal(STREAMER), Signal()
        token = Signal(bits_for(config.max_tokens))
        left = Signal(bits_for(config.max_tokens + 1))  # tokens of the tile, with the one on offer
        k_left, n_left = Signal(13), Signal(13)
        first_k, first_n = Signal(), Signal()
        parity, exp_bank = Signal(), Signal()
        tile_address, address = Signal(ADDRESS_BITS), Signal(ADDRESS_BITS)
        # Where the walk is, each compared a step ahead. (A tile of one token, a convolution of one K-tile.)
        tile_start, tile_last, last_k, last_n = Signal(), Signal(), Signal(), Signal()
        one_token, one_k = Signal(), Signal()

        start = self.descriptor.payload
        final, takes = Signal(), Signal()
        m.d.comb += final.eq(last_k & last_n)
        may_start = self._may_start(m, conv, last_k, final, takes)
        wants = active & (~tile_start | (may_start & self.tile_ready))
        from_residual = conv.prologue == Kind.NORMALISE
        exponential = conv.prologue == Kind.EXPONENTIAL
        m.d.comb += [
            self.act_valid.eq(wants & ~from_residual),
            self.res_valid.eq(wants & from_residual),
            self.address.eq(address),
            self.issue.eq(wants & Mux(from_residual, self.res_ready, self.act_ready)),
            self.started.eq(self.issue & tile_start),
            self.max_slot.eq(conv.max_slot),
            self.tag.prologue.eq(conv.prologue),
            self.tag.in_unsigned.eq(conv.in_unsigned),
            self.tag.shifts.eq(conv.shifts),
            self.tag.lanes.eq(Mux(last_k, k_left, rows)),
            self.tag.swap.eq(tile_start),
            self.tag.parity.eq(parity),
            self.tag.exp_bank.eq(exp_bank),
            self.tag.token.eq(token),
            self.tag.first.eq(first_k),
            self.tag.last.eq(last_k),
            self.tag.sum_add.eq(exponential & first_n),
            self.tag.sum_slot.eq(conv.sum_slot),
        ]

        finished = Signal()
        m.d.comb += finished.eq(self.issue & tile_last & final)
        with m.If(self.issue):
            m.d.sync += [
                token.eq(token + 1),
                self.stat_token.eq(self.stat_token + 1),
                left.eq(left - 1),
                address.eq(address + conv.in_token_stride),
                tile_start.eq(tile_last),
                tile_last.eq(left == 2),
            ]
            with m.If(tile_last):
                next_address = tile_address + conv.in_tile_stride
                m.d.sync += [
                    token.eq(0),
                    self.stat_token.eq(conv.first_token),
                    left.eq(conv.tokens),
                    tile_last.eq(one_token),
                    parity.eq(~parity),
                    first_k.eq(0),
                    k_left.eq(k_left - rows),
                    last_k.eq(k_left <= 2 * rows),
                    tile_address.eq(next_address),
                    address.eq(next_address),
                ]
                with m.If(last_k):
                    m.d.sync += [
                        first_k.eq(1),
                        first_n.eq(0),
                        k_left.eq(conv.k),
                        last_k.eq(one_k),
                        n_left.eq(n_left - cols),
                        last_n.eq(n_left <= 2 * cols),
                        tile_address.eq(conv.in_base),
                        address.eq(conv.in_base),
                    ]
        m.d.comb += self.exp_end.eq(finished & exponential)
        with m.If(finished):
            m.d.sync += [active.eq(0), exp_bank.eq(exp_bank ^ exponential)]
        m.d.comb += self.descriptor.ready.eq((finished | ~active) & self._settled)
        m.d.comb += takes.eq(self.descriptor.ready & self.descriptor.valid)
        with m.If(takes):
            m.d.sync += [
                active.eq(1),
                conv.eq(start),
                token.eq(0),
                self.stat_token.eq(start.first_token),
                left.eq(start.tokens),
                tile_start.eq(1),
                tile_last.eq(start.tokens == 1),
                one_token.eq(start.tokens == 1),
                k_left.eq(start.k),
                n_left.eq(start.n),
                last_k.eq(start.k <= rows),
                one_k.eq(start.k <= rows),
                last_n.eq(start.n <= cols),
                first_k.eq(1),
                first_n.eq(1),
                tile_address.eq(start.in_base),
                address.eq(start.in_base),
            ]

        with m.If(self.issue):
            m.d.comb += self.cause.eq(Cause.STREAM)
        with m.Elif(~active):
            m.d.comb += self.cause.eq(Cause.IDLE)
        with m.Elif(wants):
            m.d.comb += self.cause.eq(Cause.BANK)
        with m.Elif(~self._depends):
            m.d.comb += self.cause.eq(Cause.DEPEND)
        with m.Elif(self._short):
            m.d.comb += self.cause.eq(Cause.SHORT)
        with m.Elif(~self.tile_ready):
            m.d.comb += self.cause.eq(Cause.TILE)
        with m.Else():
            m.d.comb += self.cause.eq(Cause.OUTPUT)
        return m

    def _may_start(self, m: Module, conv: data.View, last_k: Signal, final: Signal, takes: Signal) -> Value:
        """What the start of a tile needs, but for the tile itself.

        Two tiles start REVISIT_CYCLES apart at least. So after a start there is time to compare for the next
        one in steps: a cycle to fetch what is compared where a convolution ends, one for the room that is
        left, and one for the comparison. None of the conditions becomes false before the next start.
        """
        config, start = self.config, self.descriptor.payload
        depth = next_power_of_two(config.max_tokens)
        short_for = max(config.rows, REVISIT_CYCLES)
        ahead = Signal(init=1)  # the next tile to start belongs to the convolution behind
        wait_conv, wait_dma, wait_rows = Signal(16), Signal(16), Signal(16)  # of the next tile's convolution
        tokens = Signal(bits_for(config.max_tokens + 1))
        follow, row = Signal(), Signal(13)
        with m.If(self.started):
            m.d.sync += row.eq(row + 1)
            with m.If(last_k):
                m.d.sync += follow.eq(0)
            with m.If(final):
                m.d.sync += ahead.eq(1)
        with m.If(ahead):
            m.d.sync += [
                wait_conv.eq(start.wait_conv),
                wait_dma.eq(start.wait_dma),
                wait_rows.eq(start.wait_dma - 1),
                tokens.eq(start.tokens),
                follow.eq(start.follow),
                row.eq(0),
            ]
        settled = Signal()
        m.d.sync += settled.eq(ahead & self.descriptor.valid & ~takes)
        with m.If(takes):
            m.d.sync += ahead.eq(0)

        # Room in the output FIFO is taken for a whole last K-tile at once, and comes back token by token.
        room = Signal(signed(depth.bit_length() + 1), init=depth)
        popped, reserved, fits = Signal(), Signal.like(tokens), Signal()
        m.d.sync += [
            popped.eq(self.popped),
            reserved.eq(Mux(self.started & last_k, conv.tokens, 0)),
            room.eq(room - reserved + popped),
            fits.eq(room >= tokens),
        ]

        since = Signal(range(short_for + 1), init=short_for)  # cycles since the last tile started
        short, spaced, depends = Signal(), Signal(init=1), Signal()
        with m.If(self.started):
            m.d.sync += [since.eq(1), short.eq(1), spaced.eq(0)]
        with m.Elif(since != short_for):
            m.d.sync += since.eq(since + 1)
            with m.If(since == short_for - 1):
                m.d.sync += short.eq(0)
            with m.If(since == REVISIT_CYCLES - 1):
                m.d.sync += spaced.eq(1)
        following = follow & (self.dma_done == wait_rows) & (self.rows_done > row)
        loaded = (self.dma_done >= wait_dma) | following
        m.d.sync += depends.eq((self.conv_done >= wait_conv) & loaded)
        self._depends, self._short, self._settled = depends, short, settled
        return depends & spaced & (~last_k | fits)
