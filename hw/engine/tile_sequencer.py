"""The epilogue's walk: for each N-tile, for each token, for each group of lanes.

Where its results go is ``hw.contract.walks.results``."""

from amaranth.hdl import Module, Mux, Signal, signed, unsigned
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from pointwise.hw.contract.config import CoreConfig
from pointwise.hw.contract.timing import PARAMETER_BANKS, WALK_REVISIT
from pointwise.hw.contract.walks import ADDRESS_BITS, group_words

from .address import AddressGenerator
from .descriptor import EPILOGUE
from .primitives import ceil_log2


class GroupTag(data.StructLayout):
    """What travels with a group of P results through the epilogue.

    Fields:
        address, lane_group: word and part of the word that the group is written to. mask: lanes inside N.
        bank, group: of the parameters. token: number in the convolution. stat_token: number under
            which row maximum and LayerNorm statistics are kept.
        first_group, last_group, first_tile, last_tile: where in the walk. Others: flags of the instruction.
    """

    def __init__(self, config: CoreConfig) -> None:
        token = unsigned(ceil_log2(config.max_tokens))
        super().__init__(
            {
                "address": unsigned(ADDRESS_BITS),
                "lane_group": unsigned(ceil_log2(config.rows // config.post_lanes)),
                "mask": unsigned(config.post_lanes),
                "bank": unsigned(ceil_log2(PARAMETER_BANKS)),
                "group": unsigned(ceil_log2(config.groups)),
                "token": token,
                "stat_token": token,
                "first_group": unsigned(1),
                "last_group": unsigned(1),
                "first_tile": unsigned(1),
                "last_tile": unsigned(1),
                "to_residual": unsigned(1),
                "out_unsigned": unsigned(1),
                "table": unsigned(1),
                "table_bank": unsigned(1),
                "divide": unsigned(1),
                "row_max": unsigned(1),
                "add": unsigned(1),
                "add_unsigned": unsigned(1),
                "add_factor": unsigned(3),
                "add_shift": unsigned(3),
                "sums": unsigned(1),
                "max_slot": unsigned(1),
                "sum_slot": unsigned(1),
            }
        )


class TileSequencer(wiring.Component):
    """Takes convolutions in order, and for each of their tokens from the accumulators issues C/P groups.

    Ports:
        descriptor: the convolutions.
        dma_done: completed DMA instructions, for post_wait_dma.
        token_valid: a token's accumulators wait; it stays until they are done with.
        pop: they are done with in this cycle.
        pop_next: in the next cycle they will be, if they wait by then.
        conv: the convolution at work; its LayerNorm constants stay for ``settle`` cycles after.
        issue: a group starts in this cycle.
        tag: of that group.
        tile_end: last group of an N-tile (its parameter bank is read for some cycles more).
        conv_end: last group of a convolution.

    Latency: a convolution starts two cycles after ``dma_done`` has come up to its ``post_wait_dma``.
    Throughput: one group a cycle; one idle cycle between convolutions, ``settle`` + 3 after one with
        LayerNorm sums; WALK_REVISIT idle cycles between N-tiles of fewer tokens than that.
    """

    def __init__(self, config: CoreConfig, settle: int) -> None:
        self.config, self.settle = config, settle
        super().__init__(
            {
                "descriptor": In(stream.Signature(EPILOGUE)),
                "dma_done": In(16),
                "token_valid": In(1),
                "pop": Out(1),
                "pop_next": Out(1),
                "conv": Out(EPILOGUE),
                "issue": Out(1),
                "tag": Out(GroupTag(config)),
                "tile_end": Out(1),
                "conv_end": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        config = self.config
        lanes, parts = config.post_lanes, config.rows // config.post_lanes
        conv = Signal(EPILOGUE)
        token = Signal(16)
        group = Signal(ceil_log2(config.groups))
        left = Signal(13)  # channels of this and later N-tiles
        left_group = Signal(signed(14))  # channels of this and later groups; below zero past the last one
        # Words of an N-tile, tokens, N-tiles.
        address = AddressGenerator(m, 3, ADDRESS_BITS, "address")
        tile_part = Signal(ceil_log2(parts))
        lane_part = Signal(ceil_log2(parts))
        bank = Signal(range(PARAMETER_BANKS))
        table_bank = Signal()
        first_tile = Signal()
        finished = Signal()
        wait = Signal(range(max(self.settle, WALK_REVISIT) + 1))
        # Where the walk is, each compared a step ahead.
        tokens_left = Signal(ceil_log2(config.max_tokens + 1))  # of the N-tile, with this one
        last_group = Signal()
        last_token = Signal()
        last_tile = Signal()
        one_token = Signal()
        few_tokens = Signal()

        # Groups of a token follow each other without a gap; where there is one alone, each is the last.
        runs = Signal()  # in the next cycle, too
        before_last = self.issue & (group == config.groups - 2)
        m.d.comb += self.pop_next.eq(before_last if config.groups > 1 else runs)

        last_part = lane_part == parts - 1
        next_part = Mux(last_part, 0, lane_part + 1)
        # In a word there are several N-tiles, or the other way round.
        next_tile = Mux(last_part, conv.out_word_stride * group_words(config), 0)
        m.d.comb += [
            self.conv.eq(conv),
            self.tag.address.eq(address.address),
            self.tag.lane_group.eq(lane_part),
            self.tag.bank.eq(bank),
            self.tag.group.eq(group),
            self.tag.token.eq(token),
            self.tag.stat_token.eq(conv.first_token + token),
            self.tag.first_group.eq(group == 0),
            self.tag.last_group.eq(last_group),
            self.tag.first_tile.eq(first_tile),
            self.tag.last_tile.eq(last_tile),
            self.tag.table_bank.eq(table_bank),
        ]
        for name in (
            "to_residual",
            "out_unsigned",
            "table",
            "divide",
            "row_max",
            "add",
            "add_unsigned",
            "add_factor",
            "add_shift",
            "sums",
            "max_slot",
            "sum_slot",
        ):
            m.d.comb += self.tag[name].eq(conv[name])
        for lane in range(lanes):
            m.d.comb += self.tag.mask[lane].eq(left_group > lane)

        start = self.descriptor.payload
        allowed = Signal()
        taken = self.descriptor.valid & self.descriptor.ready
        m.d.sync += allowed.eq(self.descriptor.valid & (self.dma_done >= start.post_wait_dma) & ~taken)
        with m.FSM():
            with m.State("IDLE"):
                m.d.comb += self.descriptor.ready.eq(allowed)
                with m.If(allowed):
                    m.d.sync += [
                        conv.eq(start),
                        tokens_left.eq(start.tokens),
                        last_group.eq(config.groups == 1),
                        last_token.eq(start.tokens == 1),
                        one_token.eq(start.tokens == 1),
                        few_tokens.eq(start.tokens < WALK_REVISIT),
                        last_tile.eq(start.n <= config.cols),
                        token.eq(0),
                        group.eq(0),
                        left.eq(start.n),
                        left_group.eq(start.n),
                        tile_part.eq(0),
                        lane_part.eq(0),
                        first_tile.eq(1),
                    ]
                    address.begin(start.out_base)
                    m.d.comb += runs.eq(1)
                    m.next = "RUN"
            with m.State("RUN"):
                m.d.comb += runs.eq(1)
                with m.If(self.token_valid):
                    m.d.comb += self.issue.eq(1)
                    m.d.sync += [
                        group.eq(group + 1),
                        last_group.eq(group == config.groups - 2),
                        left_group.eq(left_group - lanes),
                        lane_part.eq(next_part),
                    ]
                    with m.If(last_part):
                        address.advance(0, conv.out_word_stride)
                    with m.If(last_group):
                        m.d.comb += self.pop.eq(1)
                        m.d.sync += [
                            group.eq(0),
                            last_group.eq(config.groups == 1),
                            tokens_left.eq(tokens_left - 1),
                            last_token.eq(tokens_left == 2),
                            left_group.eq(left),
                            lane_part.eq(tile_part),
                            token.eq(token + 1),
                        ]
                        address.advance(1, conv.out_token_stride)
                        with m.If(last_token):
                            m.d.comb += self.tile_end.eq(1)
                            m.d.sync += [
                                token.eq(0),
                                tokens_left.eq(conv.tokens),
                                last_token.eq(one_token),
                                last_tile.eq(left <= 2 * config.cols),
                                left.eq(left - config.cols),
                                left_group.eq(left - config.cols),
                                tile_part.eq(next_part),
                                lane_part.eq(next_part),
                                bank.eq(bank + 1),
                                first_tile.eq(0),
                                finished.eq(last_tile),
                                wait.eq(WALK_REVISIT - 1),
                            ]
                            address.advance(2, next_tile)
                            with m.If(last_tile):
                                m.d.comb += self.conv_end.eq(1)
                                m.d.sync += table_bank.eq(table_bank ^ conv.table)
                                m.d.sync += wait.eq(self.settle)
                                m.d.comb += runs.eq(0)
                                m.next = "IDLE"
                                with m.If(conv.sums):
                                    m.next = "REST"
                            with m.Elif(few_tokens):
                                m.d.comb += runs.eq(0)
                                m.next = "REST"
            with m.State("REST"):
                m.d.sync += wait.eq(wait - 1)
                with m.If(wait == 0):
                    m.d.comb += runs.eq(~finished)
                    m.next = "RUN"
                    with m.If(finished):
                        m.next = "IDLE"
        return m
