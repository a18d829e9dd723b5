"""The streamer: fetches the tokens of every tile, and says in every cycle what it does or waits for."""

from amaranth.hdl import Module, Mux, Signal, signed, unsigned
from amaranth.lib import stream, wiring
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
        depth = next_power_of_two(config.max_tokens)
        conv, active = Signal(STREAMER), Signal()
        token = Signal(16)
        k_left, n_left = Signal(13), Signal(13)
        first_k, first_n = Signal(), Signal()
        k_tile = Signal(13)
        parity, exp_bank = Signal(), Signal()
        tile_address, address = Signal(ADDRESS_BITS), Signal(ADDRESS_BITS)
        room = Signal(signed(depth.bit_length() + 1), init=depth)
        short_for = max(config.rows, REVISIT_CYCLES)
        since = Signal(range(short_for + 1), init=short_for)  # cycles since the last tile started

        last_k, last_n = k_left <= config.rows, n_left <= config.cols
        tile_start, tile_last = token == 0, token == conv.tokens - 1
        following = conv.follow & first_n & (self.dma_done == conv.wait_dma - 1) & (self.rows_done > k_tile)
        loaded = (self.dma_done >= conv.wait_dma) | following
        depends = (self.conv_done >= conv.wait_conv) & loaded
        spaced = since >= REVISIT_CYCLES
        fits = ~last_k | (room >= conv.tokens)
        wants = active & (~tile_start | (depends & self.tile_ready & spaced & fits))
        from_residual = conv.prologue == Kind.NORMALISE
        exponential = conv.prologue == Kind.EXPONENTIAL
        m.d.comb += [
            self.act_valid.eq(wants & ~from_residual),
            self.res_valid.eq(wants & from_residual),
            self.address.eq(address),
            self.issue.eq((self.act_valid & self.act_ready) | (self.res_valid & self.res_ready)),
            self.started.eq(self.issue & tile_start),
            self.stat_token.eq(conv.first_token + token),
            self.max_slot.eq(conv.max_slot),
            self.tag.prologue.eq(conv.prologue),
            self.tag.in_unsigned.eq(conv.in_unsigned),
            self.tag.shifts.eq(conv.shifts),
            self.tag.lanes.eq(Mux(last_k, k_left, config.rows)),
            self.tag.swap.eq(tile_start),
            self.tag.parity.eq(parity),
            self.tag.exp_bank.eq(exp_bank),
            self.tag.token.eq(token),
            self.tag.first.eq(first_k),
            self.tag.last.eq(last_k),
            self.tag.sum_add.eq(exponential & first_n),
            self.tag.sum_slot.eq(conv.sum_slot),
        ]

        # Room in the output FIFO is taken for a whole last K-tile at once, and comes back token by token.
        reserve = Mux(self.started & last_k, conv.tokens, 0)
        m.d.sync += room.eq(room + self.popped - reserve)
        with m.If(self.started):
            m.d.sync += since.eq(1)
        with m.Elif(since != short_for):
            m.d.sync += since.eq(since + 1)

        finished = Signal()
        with m.If(self.issue):
            m.d.sync += [token.eq(token + 1), address.eq(address + conv.in_token_stride)]
            with m.If(tile_last):
                next_address = tile_address + conv.in_tile_stride
                m.d.sync += [
                    token.eq(0),
                    parity.eq(~parity),
                    first_k.eq(0),
                    k_left.eq(k_left - config.rows),
                    k_tile.eq(k_tile + 1),
                    tile_address.eq(next_address),
                    address.eq(next_address),
                ]
                with m.If(last_k):
                    m.d.sync += [
                        first_k.eq(1),
                        first_n.eq(0),
                        k_left.eq(conv.k),
                        n_left.eq(n_left - config.cols),
                        tile_address.eq(conv.in_base),
                        address.eq(conv.in_base),
                    ]
                    m.d.comb += finished.eq(last_n)
        m.d.comb += self.exp_end.eq(finished & exponential)
        with m.If(finished):
            m.d.sync += [active.eq(0), exp_bank.eq(exp_bank ^ exponential)]
        with m.If(finished | ~active):
            start = self.descriptor.payload
            m.d.comb += self.descriptor.ready.eq(1)
            with m.If(self.descriptor.valid):
                m.d.sync += [
                    active.eq(1),
                    conv.eq(start),
                    token.eq(0),
                    k_left.eq(start.k),
                    n_left.eq(start.n),
                    k_tile.eq(0),
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
        with m.Elif(~depends):
            m.d.comb += self.cause.eq(Cause.DEPEND)
        with m.Elif(since < short_for):
            m.d.comb += self.cause.eq(Cause.SHORT)
        with m.Elif(~self.tile_ready):
            m.d.comb += self.cause.eq(Cause.TILE)
        with m.Else():
            m.d.comb += self.cause.eq(Cause.OUTPUT)
        return m
