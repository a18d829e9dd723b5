"""The streamer: names the tokens of every tile in order, and says what it waits for."""

from amaranth.hdl import Const, Module, Mux, Signal, Value, signed
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from pointwise.hw.contract.config import CoreConfig, next_power_of_two
from pointwise.hw.contract.isa import Prologue as Kind
from pointwise.hw.contract.registers import Cause
from pointwise.hw.contract.timing import STREAM_REVISIT
from pointwise.hw.contract.walks import ADDRESS_BITS, PLACE_BITS, WORD_COUNT_BITS, group_tiles

from .address import AddressGenerator, AheadGenerator
from .banked_address import act_address, res_address
from .descriptor import STREAMER
from .issue import TokenRequest
from .primitives import any_in_last, ceil_log2


class Streamer(wiring.Component):
    """Walks each convolution: for each N-tile, for each K-tile (word of channels and tap), for each token.

    Ports:
        descriptor: convolutions in order.
        conv_done: completed convolutions, for wait_conv.
        dma_done: completed DMA instructions, for wait_dma.
        rows_done: complete rows of the LOAD at work, for chained.
        words_done: complete words of the results of the convolution in the epilogue, for pipelined.
        popped: the epilogue has taken a token out of the output FIFO.
        requests: the tokens in order; the first of a tile once its convolution may read what it depends on,
            and once there is room for what the tile gives.
        stall_cause: why there is none in this cycle.

    Throughput: one token a cycle, with no bubble between tiles, N-tiles and convolutions whose needs are met.
    """

    def __init__(self, config: CoreConfig) -> None:
        self.config = config
        super().__init__(
            {
                "descriptor": In(stream.Signature(STREAMER)),
                "conv_done": In(16),
                "dma_done": In(16),
                "rows_done": In(16),
                "words_done": In(WORD_COUNT_BITS),
                "popped": In(1),
                "requests": Out(stream.Signature(TokenRequest(config))),
                "stall_cause": Out(Cause),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        config = self.config
        rows, cols = config.rows, config.cols
        conv = Signal(STREAMER)
        start = self.descriptor.payload
        active = Signal()
        fresh = Signal()  # the convolution was taken in the cycle before
        token = Signal(ceil_log2(config.max_tokens))
        stat_token = Signal(ceil_log2(config.max_tokens))
        left = Signal(ceil_log2(config.max_tokens + 1))  # tokens of the tile, with the one on offer
        row_left = Signal.like(left)  # of the row
        taps_left = Signal(4)  # of the line, after this one
        lines_left = Signal(4)
        k_left = Signal(13)
        n_left = Signal(13)
        first_k = Signal()
        first_n = Signal()
        parity = Signal()
        exp_bank = Signal()
        # Where the walk is, each compared a step ahead. (A tile of one token, a row of one, a line of one
        # tap, one line of taps, one word of channels.)
        tile_start = Signal()
        tile_last = Signal()
        row_last = Signal()
        last_tap = Signal()
        last_line = Signal()
        last_word = Signal()
        last_k = Signal()
        last_n = Signal()
        one_token = Signal()
        one_in_row = Signal()
        one_tap = Signal()
        one_line = Signal()
        one_word = Signal()

        # Addresses and places, of the tokens of a tile and, ahead, of the next tile.
        address = AddressGenerator(m, 2, ADDRESS_BITS, "address")
        column = AddressGenerator(m, 2, PLACE_BITS, "column")
        line = AddressGenerator(m, 2, PLACE_BITS, "line")
        group_tile, group_ends = self._group(m)
        group_stride = Mux(group_ends, conv.in_group_stride, 0)
        tile_strides = (conv.in_tap_stride, conv.in_tap_row_stride, conv.in_tile_stride, group_stride)
        taps = (last_tap, last_line)
        ahead = (
            (address, AheadGenerator(m, (*taps, last_word), tile_strides, ADDRESS_BITS, "tile")),
            (column, AheadGenerator(m, taps[:1], (conv.dilation_x, 0), PLACE_BITS, "tile_column")),
            (line, AheadGenerator(m, taps, (0, conv.dilation_y, 0), PLACE_BITS, "tile_line")),
        )

        final = Signal()
        takes = Signal()
        issue = Signal()
        begins = Signal()
        m.d.comb += final.eq(last_k & last_n)
        may_start = self._may_start(m, conv, last_tap & last_line, last_k, final, takes, begins)
        exponential = conv.prologue == Kind.EXPONENTIAL
        request, tag = self.requests.p, self.requests.p.tag
        m.d.comb += [
            # A tile that ends as it begins waits until the place of the next one is known.
            self.requests.valid.eq(active & (~tile_start | (may_start & ~(fresh & one_token)))),
            issue.eq(self.requests.valid & self.requests.ready),
            begins.eq(issue & tile_start),
            request.residual.eq(conv.prologue == Kind.NORMALISE),
            request.act.eq(act_address(config).decode(m, address.address, "act")),
            request.res.eq(res_address(config).decode(m, address.address, "res")),
            request.stat_token.eq(stat_token),
            request.max_slot.eq(conv.max_slot),
            request.final.eq(tile_last & final),
            tag.prologue.eq(conv.prologue),
            tag.in_unsigned.eq(conv.in_unsigned),
            tag.outside.eq(
                conv.padded & ((column.address >= conv.in_width) | (line.address >= conv.in_height))
            ),
            tag.pad.eq(conv.pad_value),
            tag.shifts.eq(conv.shifts),
            tag.lanes.eq(Mux(last_word, k_left, rows)),
            tag.swap.eq(tile_start),
            tag.parity.eq(parity),
            tag.exp_bank.eq(exp_bank),
            tag.token.eq(token),
            tag.first.eq(first_k),
            tag.last.eq(last_k),
            tag.maximum.eq(conv.maximum),
            tag.sum_add.eq(exponential & first_n),
            tag.sum_slot.eq(conv.sum_slot),
        ]

        finished = Signal()
        m.d.comb += finished.eq(issue & tile_last & final)
        m.d.sync += fresh.eq(takes)
        with m.If(issue):
            m.d.sync += [
                token.eq(token + 1),
                stat_token.eq(stat_token + 1),
                left.eq(left - 1),
                row_left.eq(row_left - 1),
                tile_start.eq(tile_last),
                tile_last.eq(left == 2),
                row_last.eq(row_left == 2),
            ]
            address.advance(0, conv.in_token_stride)
            column.advance(0, conv.step_x)
            with m.If(row_last):
                m.d.sync += [row_left.eq(conv.row_tokens), row_last.eq(one_in_row)]
                address.advance(1, conv.in_row_stride)
                column.advance(1, Const(0, 1))
                line.advance(1, conv.step_y)
            with m.If(tile_last):
                m.d.sync += [
                    token.eq(0),
                    stat_token.eq(conv.first_token),
                    left.eq(conv.tokens),
                    row_left.eq(conv.row_tokens),
                    tile_last.eq(one_token),
                    row_last.eq(one_in_row),
                    parity.eq(~parity),
                    first_k.eq(0),
                    taps_left.eq(taps_left - 1),
                    last_tap.eq(taps_left == 1),
                    last_k.eq((taps_left == 1) & last_line & last_word),
                ]
                for inner, outer in ahead:
                    inner.move(1, outer.following)
                    outer.go_on()
                with m.If(last_tap):
                    m.d.sync += [
                        taps_left.eq(conv.extra_taps),
                        last_tap.eq(one_tap),
                        lines_left.eq(lines_left - 1),
                        last_line.eq(lines_left == 1),
                        last_k.eq(one_tap & (lines_left == 1) & last_word),
                    ]
                    with m.If(last_line):
                        m.d.sync += [
                            lines_left.eq(conv.extra_lines),
                            last_line.eq(one_line),
                            k_left.eq(k_left - rows),
                            last_word.eq(k_left <= 2 * rows),
                            last_k.eq(one_tap & one_line & (k_left <= 2 * rows)),
                        ]
                with m.If(last_k):
                    m.d.sync += [
                        first_k.eq(1),
                        first_n.eq(0),
                        group_tile.eq(Mux(group_ends, 0, group_tile + 1)),
                        k_left.eq(conv.k),
                        last_word.eq(one_word),
                        last_k.eq(one_tap & one_line & one_word),
                        n_left.eq(n_left - cols),
                        last_n.eq(n_left <= 2 * cols),
                    ]
        with m.If(finished):
            m.d.sync += [active.eq(0), exp_bank.eq(exp_bank ^ exponential)]
        m.d.comb += self.descriptor.ready.eq((finished | ~active) & self._settled)
        m.d.comb += takes.eq(self.descriptor.ready & self.descriptor.valid)
        with m.If(takes):
            m.d.sync += [
                active.eq(1),
                conv.eq(start),
                token.eq(0),
                stat_token.eq(start.first_token),
                left.eq(start.tokens),
                row_left.eq(start.row_tokens),
                taps_left.eq(start.extra_taps),
                lines_left.eq(start.extra_lines),
                k_left.eq(start.k),
                n_left.eq(start.n),
                tile_start.eq(1),
                tile_last.eq(start.tokens == 1),
                one_token.eq(start.tokens == 1),
                row_last.eq(start.row_tokens == 1),
                one_in_row.eq(start.row_tokens == 1),
                last_tap.eq(start.extra_taps == 0),
                one_tap.eq(start.extra_taps == 0),
                last_line.eq(start.extra_lines == 0),
                one_line.eq(start.extra_lines == 0),
                last_word.eq(start.k <= rows),
                one_word.eq(start.k <= rows),
                last_k.eq((start.extra_taps == 0) & (start.extra_lines == 0) & (start.k <= rows)),
                last_n.eq(start.n <= cols),
                first_k.eq(1),
                first_n.eq(1),
                group_tile.eq(0),
            ]
            bases = (start.in_base, start.first_x, start.first_y)
            for (inner, outer), base in zip(ahead, bases, strict=True):
                inner.begin(base)
                outer.begin(base)

        with m.If(~active):
            m.d.comb += self.stall_cause.eq(Cause.IDLE)
        with m.Elif(~self._spaced):
            m.d.comb += self.stall_cause.eq(Cause.SHORT)
        with m.Elif(~self._depends):
            m.d.comb += self.stall_cause.eq(Cause.DEPEND)
        with m.Elif(fresh & one_token):
            m.d.comb += self.stall_cause.eq(Cause.SHORT)
        with m.Else():
            m.d.comb += self.stall_cause.eq(Cause.OUTPUT)
        return m

    def _group(self, m: Module) -> tuple[Signal, Value]:
        """Which N-tile of its group the present one is, and whether it is the last."""
        count = group_tiles(self.config)
        number = Signal(ceil_log2(count), name="group_tile")
        return number, number == count - 1

    def _may_start(
        self,
        m: Module,
        conv: data.View,
        last_taps: Value,
        last_k: Signal,
        final: Signal,
        takes: Signal,
        begins: Signal,
    ) -> Value:
        """What the start of a tile needs, but for the tile itself.

        Two tiles start STREAM_REVISIT apart at least. So after a start there is time to compare for the next
        one in steps: a cycle to fetch what is compared where a convolution ends, one for the room that is
        left, one for the comparisons, and one for what follows from them. None of the conditions becomes
        false before the next start.
        """
        config, start = self.config, self.descriptor.payload
        depth = next_power_of_two(config.max_tokens)
        ahead = Signal(init=1)  # the next tile to start belongs to the convolution behind
        # Of the next tile's convolution.
        wait_conv = Signal(16)
        wait_dma = Signal(16)
        tokens = Signal(ceil_log2(config.max_tokens + 1))
        chained = Signal()
        pipelined = Signal()
        row = Signal(signed(WORD_COUNT_BITS + 1))  # of the LOAD, or word of the results, that a tile needs
        with m.If(begins):
            m.d.sync += row.eq(row + last_taps)
            with m.If(last_k):
                m.d.sync += [chained.eq(0), pipelined.eq(0)]
            with m.If(final):
                m.d.sync += ahead.eq(1)
        with m.If(ahead):
            m.d.sync += [
                wait_conv.eq(start.wait_conv),
                wait_dma.eq(start.wait_dma),
                tokens.eq(start.tokens),
                chained.eq(start.chained),
                pipelined.eq(start.pipelined),
                row.eq(-start.lead_words),
            ]
        fetched = Signal()
        settled = Signal()
        m.d.sync += [
            fetched.eq(ahead & self.descriptor.valid & ~takes),
            settled.eq(fetched & ~takes),
        ]
        with m.If(takes):
            m.d.sync += ahead.eq(0)

        # Room in the output FIFO is taken for a whole last K-tile at once, and comes back token by token.
        room = Signal(signed(depth.bit_length() + 1), init=depth)
        popped = Signal()
        reserved = Signal.like(tokens)
        fits = Signal()
        m.d.sync += [
            popped.eq(self.popped),
            reserved.eq(Mux(begins & last_k, conv.tokens, 0)),
            room.eq(room - reserved + popped),
            fits.eq(room >= tokens),
        ]

        spaced = Signal(init=1)
        depends = Signal()
        m.d.sync += spaced.eq(~any_in_last(m, begins, STREAM_REVISIT - 1, name="begun"))
        computed = Signal()
        computing = Signal()
        loaded = Signal()
        loading = Signal()
        row_there = Signal()
        # What is missing is less than nothing, or one: the one at work.
        convs, dmas = self.conv_done - wait_conv, self.dma_done - wait_dma
        m.d.sync += [
            computed.eq(convs >= 0),
            computing.eq(pipelined & convs.all()),
            loaded.eq(dmas >= 0),
            loading.eq(chained & dmas.all()),
            row_there.eq(Mux(pipelined, self.words_done, self.rows_done) > row),
            depends.eq((computed | (computing & row_there)) & (loaded | (loading & row_there))),
        ]
        self._depends, self._spaced, self._settled = depends, spaced, settled
        return depends & spaced & (~last_k | fits)
