"""The way out of the array: divide, requantise, activation table, residual, row maxima and LayerNorm sums."""

from typing import Any

from amaranth.hdl import Array, Cat, Const, Module, Mux, Signal, Value, signed, unsigned
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from pointwise.hw.contract.config import CoreConfig
from pointwise.hw.contract.stream import table_lanes
from pointwise.hw.contract.timing import READ_LATENCY
from pointwise.hw.contract.walks import ADDRESS_BITS, WORD_COUNT_BITS, group_tiles, group_words

from .banked_address import act_address, res_address
from .descriptor import EPILOGUE
from .fifo import early_stream
from .layernorm import LayerNormStatistics
from .primitives import ACCUMULATOR, ceil_log2, delay, saturate, saturate_byte
from .requantise import Limits, Requantise
from .row_max import RowMax
from .sram import read_port, write_port
from .table import LookupTable
from .tags import NORM_STATISTICS, RECIPROCAL
from .tile_sequencer import GroupTag, TileSequencer
from .token_sums import TokenSums
from .writes import ParameterWrite, TableWrite

FETCH = 1
"""Stage in which the lanes of a group and the reciprocal of its token are at hand."""
RESULT = FETCH + Requantise.LATENCY
"""Stage of the requantised lanes."""
WRITE = RESULT + 2
"""Stage in which the SRAM is written."""


class Epilogue(wiring.Component):
    """``pointwise.model.integer.requantise`` and what follows it, and where its results go.

    Ports:
        zero: what is written to row maxima and statistics is zero.
        zero_address: where, as for ``RowMax`` and ``LayerNormStatistics``.
        descriptor: convolutions in order.
        dma_done: completed DMA instructions.
        acc: complete accumulators, token by token.
        parameters: of the N-tiles, in turn.
        table: fills the activation table.
        sum_slot: whose softmax denominators are wanted.
        sum_token: of which token.
        reciprocal: of that denominator, in the next cycle.
        max_slot: whose row maxima the prologue wants.
        stat_token: of what token it wants row maximum and statistics.
        row_max: of that token, one cycle later.
        statistics: of that token, one cycle later.
        act_write: port of the activation SRAM; like the other three it must be granted at once (highest
            priority).
        act_read: port of the activation SRAM, which is asked a cycle later.
        res_write: port of the residual SRAM.
        res_read: port of the residual SRAM.
        popped: a token left ``acc``.
        tile_end: parameters of an N-tile are free.
        table_end: a convolution with a table is done with it.
        conv_done: all that a convolution writes can be read.
        words_done: of the convolution whose results these are, so many words of every token can be read; of
            its last N-tile ``conv_done`` tells.

    Latency: 17 cycles from a group to its write; ``conv_done`` follows the last group by ``done_latency``,
        or, with LayerNorm sums, by ``settle``. Throughput: P lanes a cycle.
    """

    def __init__(self, config: CoreConfig) -> None:
        self.config = config
        self._row_max, self._sums = RowMax(config), TokenSums(config)
        self.done_latency = WRITE + self._row_max.latency
        self.settle = WRITE + self._sums.latency + LayerNormStatistics.LATENCY
        self._walker = TileSequencer(config, self.settle)
        token = unsigned(ceil_log2(config.max_tokens))
        act_bits, res_bits = 8 * config.rows, 16 * config.rows
        act, res = act_address(config), res_address(config)
        super().__init__(
            {
                "zero": In(1),
                "zero_address": In(ceil_log2(config.max_tokens) + 1),
                "descriptor": In(stream.Signature(EPILOGUE)),
                "dma_done": In(16),
                "acc": In(early_stream(data.ArrayLayout(ACCUMULATOR, config.cols))),
                "parameters": In(ParameterWrite(config.cols)),
                "table": In(TableWrite(table_lanes(config))),
                "sum_slot": Out(1),
                "sum_token": Out(token),
                "reciprocal": In(RECIPROCAL),
                "max_slot": In(1),
                "row_max": Out(signed(8)),
                "stat_token": In(token),
                "statistics": Out(NORM_STATISTICS),
                "act_write": Out(write_port(act_bits, config.rows, act)),
                "act_read": Out(read_port(act_bits, act)),
                "res_write": Out(write_port(res_bits, config.rows, res)),
                "res_read": Out(read_port(res_bits, res)),
                "popped": Out(1),
                "tile_end": Out(1),
                "table_end": Out(1),
                "conv_done": Out(1),
                "words_done": Out(WORD_COUNT_BITS),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        config, lanes = self.config, self.config.post_lanes
        m.submodules.walker = walker = self._walker
        connect(m, flipped(self.descriptor), walker.descriptor)
        m.d.comb += [
            walker.dma_done.eq(self.dma_done),
            walker.token_valid.eq(self.acc.valid),
            self.acc.ready_next.eq(walker.pop_next),
            self.popped.eq(walker.pop),
        ]
        tags, valid = self._tags(m, walker)
        old_address = self._old_address(m, walker, tags[1].address)

        # Stage 0 to 1: choose the lanes of the group. Stage 1 to 15: divide and requantise.
        groups = [
            data.View(
                data.ArrayLayout(ACCUMULATOR, lanes), self.acc.payload.as_value()[start : start + 32 * lanes]
            )
            for start in range(0, 32 * config.cols, 32 * lanes)
        ]
        chosen = Array(groups)[walker.tag.group] if len(groups) > 1 else groups[0]
        acc = Signal(data.ArrayLayout(ACCUMULATOR, lanes), reset_less=True)
        m.submodules.requantise = requantise = Requantise(config)
        connect(m, flipped(self.parameters), requantise.parameters)
        m.d.sync += acc.eq(chosen)
        m.d.comb += [
            self.sum_slot.eq(tags[0].sum_slot),
            self.sum_token.eq(tags[0].token),
            requantise.acc.eq(acc),
            requantise.bank.eq(tags[FETCH].bank),
            requantise.group.eq(tags[FETCH].group),
            requantise.divide.eq(tags[FETCH].divide),
            requantise.reciprocal.eq(self.reciprocal),
            requantise.limits.eq(
                Mux(
                    tags[FETCH].to_residual | tags[FETCH].add,
                    Limits.INT16,
                    Mux(tags[FETCH].out_unsigned, Limits.UINT8, Limits.INT8),
                )
            ),
        ]
        values = self._add_and_table(m, requantise, tags, valid, old_address)
        self._write(m, values, tags[WRITE - 1], valid[WRITE - 1])
        self._keep(m, values, tags[WRITE], valid[WRITE], walker)

        m.d.comb += [
            self.tile_end.eq(
                delay(m, walker.tile_end, FETCH + Requantise.LATENCY, name="tile_end", reset_less=False)
            ),
            self.table_end.eq(
                delay(m, walker.conv_end & walker.conv.table, WRITE, name="table_end", reset_less=False)
            ),
        ]
        plain_end = delay(
            m, walker.conv_end & ~walker.conv.sums, self.done_latency, name="plain_end", reset_less=False
        )
        sums_end = delay(
            m, walker.conv_end & walker.conv.sums, self.settle, name="sums_end", reset_less=False
        )
        m.d.comb += self.conv_done.eq(plain_end | sums_end)
        self._count_words(m, walker)
        return m

    def _count_words(self, m: Module, walker: TileSequencer) -> None:
        """``words_done``: an N-tile has the columns of several words, or several N-tiles those of one."""
        written = delay(m, walker.tile_end, self.done_latency, name="written", reset_less=False)
        each, beside = group_tiles(self.config), group_words(self.config)
        part = Signal(ceil_log2(each))  # N-tiles of a word that is not complete
        whole = Signal()
        m.d.comb += whole.eq(written & (part == each - 1))
        with m.If(self.conv_done):
            m.d.sync += [part.eq(0), self.words_done.eq(0)]
        with m.Elif(written):
            m.d.sync += part.eq(Mux(whole, 0, part + 1))
            with m.If(whole):
                m.d.sync += self.words_done.eq(self.words_done + beside)

    def _tags(self, m: Module, walker: TileSequencer) -> tuple[list, list]:
        tags, valid = [walker.tag], [walker.issue]
        for stage in range(1, WRITE + 1):
            tag = Signal(GroupTag(self.config), name=f"tag{stage}", reset_less=True)
            flag = Signal(name=f"valid{stage}")
            m.d.sync += [tag.eq(tags[-1]), flag.eq(valid[-1])]
            tags.append(tag)
            valid.append(flag)
        return tags, valid

    def _old_address(self, m: Module, walker: TileSequencer, address: Value) -> list[Value]:
        """Where the old value of a group lies, in stages 2 and up: it is added to the address of stage 1."""
        offset = delay(m, walker.conv.add_offset, 1, name="add_offset")
        stages = [Const(0), Const(0), delay(m, (address + offset)[:ADDRESS_BITS], 1, name="old_address2")]
        for stage in range(3, RESULT):
            stages.append(delay(m, stages[-1], 1, name=f"old_address{stage}"))
        return stages

    def _add_and_table(
        self, m: Module, requantise: Requantise, tags: list, valid: list, old_address: list[Value]
    ) -> list[Signal]:
        """Stages RESULT and RESULT + 1: what is written, P lanes of 16 bits."""
        lanes, results = self.config.post_lanes, requantise.result
        residual = self._old_residual(m, tags, valid, old_address)
        scaled = self._old_bytes(m, tags, valid, old_address)
        m.submodules.table = table = LookupTable(lanes, table_lanes(self.config))
        connect(m, flipped(self.table), table.entries)
        look_up = tags[RESULT + 1 - table.LATENCY]
        m.d.comb += [
            table.index.eq(requantise.next_bytes),
            table.read_bank.eq(look_up.table_bank),
            table.wanted.eq(look_up.table),
        ]
        tag = tags[RESULT + 1]
        finer = tag.add & ~tag.to_residual
        values = []
        for lane in range(lanes):
            sum16 = Signal(signed(16), name=f"sum16_{lane}", reset_less=True)
            total = Signal(signed(17), name=f"total_{lane}", reset_less=True)
            value = Signal(signed(16), name=f"value_{lane}", reset_less=True)
            narrow = total >> tag.add_shift
            byte = saturate_byte(narrow, tag.out_unsigned)
            m.d.sync += [
                sum16.eq(saturate(results[lane] + residual[lane], signed(16))),
                total.eq(results[lane] + scaled[lane]),
                value.eq(table.value[lane] | Mux(tag.table, 0, Mux(finer, byte, sum16))),
            ]
            values.append(value)
        return values

    def _old_residual(self, m: Module, tags: list, valid: list, old_address: list[Value]) -> list[Value]:
        """What the residual SRAM holds in the places of results, 0 where it is not added: stage RESULT."""
        ask = RESULT - READ_LATENCY - 1
        m.d.comb += [
            self.res_read.valid.eq(valid[ask] & tags[ask].add & tags[ask].to_residual),
            self.res_read.place.eq(res_address(self.config).decode(m, old_address[ask], "read")),
        ]
        tag = tags[RESULT - 1]
        old = delay(m, Mux(tag.add, self._lanes(self.res_read.data, 16, tag.lane_group), 0), 1, name="old")
        return [old[start : start + 16].as_signed() for start in range(0, len(old), 16)]

    def _old_bytes(self, m: Module, tags: list, valid: list, old_address: list[Value]) -> list[Value]:
        """The bytes there times their factor, with the half that rounds: stage RESULT.

        They are read a cycle before residuals are, and have a stage of their own to be multiplied.
        """
        ask = RESULT - READ_LATENCY - 2
        reads = valid[ask - 1] & tags[ask - 1].add & ~tags[ask - 1].to_residual
        # Asked a cycle ahead, as others have the same port.
        m.d.comb += [
            self.act_read.valid.eq(reads),
            self.act_read.place.eq(act_address(self.config).decode(m, old_address[ask - 1], "read_bytes")),
        ]
        old = delay(m, self._lanes(self.act_read.data, 8, tags[RESULT - 2].lane_group), 1, name="old_bytes")
        tag = tags[RESULT - 1]
        half = (Const(1, 7) << tag.add_shift) >> 1
        scaled = []
        for start in range(0, len(old), 8):
            byte = Cat(old[start : start + 8], old[start + 7] & ~tag.add_unsigned).as_signed()
            parts = [Mux(bit, byte << place, 0) for place, bit in enumerate(tag.add_factor)]
            scaled.append(delay(m, parts[0] + parts[1] + parts[2] + half, 1, name=f"scaled_{start}"))
        return scaled

    def _lanes(self, word: Value, bits: int, group: Value) -> Value:
        """The lanes of a group out of a word of lanes of some bits."""
        width = bits * self.config.post_lanes
        parts = [word[start : start + width] for start in range(0, bits * self.config.rows, width)]
        return Array(parts)[group] if len(parts) > 1 else parts[0]

    def _write(self, m: Module, values: list[Signal], tag: data.View, valid: Signal) -> None:
        """The ports of both SRAMs, from ``values`` of stage WRITE and the tag of the stage before."""
        parts = self.config.rows // self.config.post_lanes
        mask = Signal(self.config.rows)
        for part in range(parts):
            for lane in range(self.config.post_lanes):
                m.d.comb += mask[part * self.config.post_lanes + lane].eq(
                    tag.mask[lane] & (tag.lane_group == part)
                )
        mask1 = delay(m, mask, 1, name="mask")
        for port, bits, places, enable in (
            (self.act_write, 8, act_address(self.config), ~tag.to_residual),
            (self.res_write, 16, res_address(self.config), tag.to_residual),
        ):
            word = [value[:bits] for value in values] * parts
            for index, value in enumerate(word):
                m.d.comb += port.data[index * bits : (index + 1) * bits].eq(value)
            name = f"write_{bits}"
            place: Any = places.decode(m, tag.address, name)
            m.d.comb += [
                port.valid.eq(delay(m, valid & enable, 1, name=name, reset_less=False)),
                port.place.eq(delay(m, place, 1, name=f"{name}_place")),
                port.mask.eq(mask1),
            ]

    def _keep(
        self, m: Module, values: list[Signal], tag: data.View, valid: Signal, walker: TileSequencer
    ) -> None:
        """Row maxima and LayerNorm sums of what is written."""
        m.submodules.row_max = row_max = self._row_max
        m.submodules.sums = sums = self._sums
        m.submodules.layernorm = layernorm = LayerNormStatistics(self.config)
        for lane, value in enumerate(values):
            m.d.comb += [row_max.values[lane].eq(value[:8]), sums.values[lane].eq(value)]
        m.d.comb += [
            row_max.zero.eq(self.zero),
            row_max.zero_address.eq(self.zero_address),
            layernorm.zero.eq(self.zero),
            layernorm.zero_token.eq(self.zero_address),
            row_max.valid.eq(valid & tag.row_max),
            row_max.slot.eq(tag.max_slot),
            row_max.token.eq(tag.stat_token),
            row_max.read_slot.eq(self.max_slot),
            row_max.read_token.eq(self.stat_token),
            self.row_max.eq(row_max.row_max),
            sums.valid.eq(valid & tag.sums),
            sums.token.eq(tag.stat_token),
            sums.last_tile.eq(tag.last_tile),
            layernorm.valid.eq(sums.out_valid),
            layernorm.token.eq(sums.out_token),
            layernorm.total.eq(sums.total),
            layernorm.squares.eq(sums.squares),
            layernorm.read_token.eq(self.stat_token),
            self.statistics.eq(layernorm.statistics),
        ]
        for unit in (row_max, sums):
            m.d.comb += [
                unit.mask.eq(tag.mask),
                unit.first_group.eq(tag.first_group),
                unit.last_group.eq(tag.last_group),
                unit.first_tile.eq(tag.first_tile),
            ]
        for name in ("mean_mult", "mean_shift", "norm_mult", "norm_shift", "epsilon"):
            m.d.comb += layernorm.constants[name].eq(walker.conv[name])
