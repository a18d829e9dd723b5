"""The way into the array: plain, normalise (LayerNorm) or exponential (softmax), always in the same time."""

from amaranth.hdl import Module, Mux, Signal, Value, signed, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from pointwise.hw.contract.config import CoreConfig
from pointwise.hw.contract.isa import Prologue as Kind
from pointwise.hw.contract.stream import SHIFT_BITS, table_lanes
from pointwise.hw.contract.timing import PROLOGUE

from .primitives import ACTIVATION, delay, round_half_up, saturate, shift_saturate
from .table import LookupTable
from .tags import NORM_STATISTICS, TokenTag
from .writes import TableWrite

CENTRED = signed(18)
PRODUCT = signed(34)


class Prologue(wiring.Component):
    """The integer functions of ``LayerNorm`` and ``Softmax`` for one activation word a cycle.

    Ports:
        valid: there is a token.
        tag: of the token.
        act_word: R int8 (or uint8) lanes, for PLAIN and EXPONENTIAL; not looked at where the tag says
            ``outside``.
        res_word: R int16 lanes, for NORMALISE.
        statistics: of the token, for NORMALISE.
        row_max: of the token, for EXPONENTIAL.
        shifts: two sets of R channel shifts (0..15), chosen by the tag's parity one cycle after the token
            came, and zero without ``tag.shifts``.
        table: fills the exponential table.
        out_valid: a token enters the array.
        out_tag: its tag.
        token: its lanes; those past ``tag.lanes`` are zero.

    Latency: 6 cycles. Throughput: one word a cycle.
    """

    LATENCY = PROLOGUE

    def __init__(self, config: CoreConfig) -> None:
        self.config = config
        rows = config.rows
        super().__init__(
            {
                "valid": In(1),
                "tag": In(TokenTag(config)),
                "act_word": In(data.ArrayLayout(unsigned(8), rows)),
                "res_word": In(data.ArrayLayout(signed(16), rows)),
                "statistics": In(NORM_STATISTICS),
                "row_max": In(signed(8)),
                "shifts": In(data.ArrayLayout(data.ArrayLayout(unsigned(SHIFT_BITS), rows), 2)),
                "table": In(TableWrite(table_lanes(config))),
                "out_valid": Out(1),
                "out_tag": Out(TokenTag(config)),
                "token": Out(data.ArrayLayout(ACTIVATION, rows)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        tags = [self.tag]
        for stage in range(1, self.LATENCY + 1):
            tag = Signal(TokenTag(self.config), name=f"tag{stage}", reset_less=True)
            m.d.sync += tag.eq(tags[-1])
            tags.append(tag)
        m.d.comb += [
            self.out_valid.eq(delay(m, self.valid, self.LATENCY, name="valid", reset_less=False)),
            self.out_tag.eq(tags[self.LATENCY]),
        ]
        m.submodules.table = table = LookupTable(self.config.rows, table_lanes(self.config))
        connect(m, flipped(self.table), table.entries)
        m.d.comb += [
            table.read_bank.eq(tags[1].exp_bank),
            table.wanted.eq(tags[1].prologue == Kind.EXPONENTIAL),
        ]
        mult1 = delay(m, self.statistics.mult, 1, name="mult1")
        shift1 = delay(m, self.statistics.shift, 1, name="shift1")
        for lane in range(self.config.rows):
            normal = self._normalise(m, lane, mult1, shift1, tags)
            byte = self._byte(m, lane, table, tags)
            # Lanes past K are zero as bytes, so that the last stage has one choice left.
            inside, normalise = tags[4].lanes > lane, tags[4].prologue == Kind.NORMALISE
            byte5 = delay(m, Mux(inside, byte, 0)[: len(byte)].as_signed(), 1, name=f"byte5_{lane}")
            normalise5 = delay(m, inside & normalise, 1, name=f"normalise5_{lane}")
            token = Signal(ACTIVATION, name=f"token_{lane}", reset_less=True)
            m.d.sync += token.eq(Mux(normalise5, normal, byte5))
            m.d.comb += self.token[lane].eq(token)
        return m

    def _normalise(self, m: Module, lane: int, mult1: Value, shift1: Value, tags: list) -> Value:
        """``pointwise.model.integer.layernorm.normalise``; the value that stage 6 registers."""
        centred = Signal(CENTRED, name=f"centred_{lane}", reset_less=True)
        product = Signal(PRODUCT, name=f"product_{lane}", reset_less=True)
        amount = Signal(7, name=f"amount_{lane}", reset_less=True)
        kept = Mux(tags[1].parity, self.shifts[1][lane], self.shifts[0][lane])
        channel_shift = Mux(tags[1].shifts, kept, 0)
        m.d.sync += [
            centred.eq((self.res_word[lane] << 1) - self.statistics.mean),
            product.eq(centred * mult1),
            amount.eq(shift1 + channel_shift - 1),
        ]
        halves = shift_saturate(m, product, amount, 9, name=f"shifted_{lane}")
        return saturate(round_half_up(delay(m, halves, 1, name=f"halves_{lane}")), signed(8))

    def _byte(self, m: Module, lane: int, table: LookupTable, tags: list) -> Signal:
        """Plain lanes and exponentials, in a register of stage 4."""
        word = Mux(self.tag.outside, self.tag.pad, self.act_word[lane])
        plain = Signal(ACTIVATION, name=f"plain_{lane}", reset_less=True)
        difference = Signal(8, name=f"difference_{lane}", reset_less=True)
        byte = Signal(ACTIVATION, name=f"byte_{lane}", reset_less=True)
        m.d.sync += [
            plain.eq(Mux(self.tag.in_unsigned, word, word.as_signed())),
            difference.eq(self.row_max - word.as_signed()),
        ]
        m.d.comb += table.index[lane].eq(difference)
        plain3 = delay(m, plain, table.LATENCY, name=f"plain_{lane}")
        exponential3 = tags[1 + table.LATENCY].prologue == Kind.EXPONENTIAL
        m.d.sync += byte.eq(table.value[lane] | Mux(exponential3, 0, plain3))
        return byte
