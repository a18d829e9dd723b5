"""LayerNorm's statistics: from the sums of a token to mean, multiplier and shift, and where they are kept."""

from amaranth.hdl import Cat, Const, Module, Mux, ShapeLike, Signal, ValueLike, signed, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from pointwise.hw.contract.config import CoreConfig
from pointwise.hw.contract.timing import LAYERNORM

from .interpolation import PiecewiseLinearReciprocal
from .primitives import ceil_log2, delay, multiply, round_half_up
from .ram import NO_COLLISION
from .tags import MEAN_BITS, MULT_BITS, NORM_SHIFT_BITS, NORM_STATISTICS

TOTAL_BITS = 28
SQUARES_BITS = 43
SPREAD_BITS = 44
MEAN_FRACTION_BITS = 8

NORM_CONSTANTS = data.StructLayout(
    {
        "mean_mult": unsigned(16),
        "mean_shift": unsigned(6),
        "norm_mult": unsigned(16),
        "norm_shift": unsigned(6),
        "epsilon": unsigned(32),
    }
)
"""``pointwise.model.integer.layernorm.NormConstants``."""


class LayerNormStatistics(wiring.Component):
    """``pointwise.model.integer.layernorm.statistics``, and one entry of memory for each token.

    Ports:
        constants: held still from the first token until LATENCY cycles after the last one.
        valid: there are the sums of a token.
        token: which token.
        total: the sum of its values.
        squares: the sum of their squares.
        zero: the entry of ``zero_token`` becomes zeros, also in the cycle after.
        zero_token: which entry.
        read_token: which entry to read.
        statistics: the entry, one cycle later.

    Latency: 21 cycles until an entry can be read. Throughput: one token a cycle.
    """

    LATENCY = LAYERNORM

    def __init__(self, config: CoreConfig) -> None:
        self.config = config
        token = unsigned(ceil_log2(config.max_tokens))
        super().__init__(
            {
                "constants": In(NORM_CONSTANTS),
                "valid": In(1),
                "token": In(token),
                "total": In(signed(TOTAL_BITS)),
                "squares": In(unsigned(SQUARES_BITS)),
                "zero": In(1),
                "zero_token": In(token),
                "read_token": In(token),
                "statistics": Out(NORM_STATISTICS),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        constants = self.constants
        mean_bits = 16 + MEAN_FRACTION_BITS + 1

        def register(value: ValueLike, shape: ShapeLike, name: str) -> Signal:
            signal = Signal(shape, name=name, reset_less=True)
            m.d.sync += signal.eq(value)
            return signal

        product2 = multiply(m, self.total, constants.mean_mult, name="mean_product")
        # The constants are still: a register of what is made of them costs no time.
        mean_shift = register(constants.mean_shift - (MEAN_FRACTION_BITS + 1), unsigned(6), "mean_shift")
        norm_shift = register(constants.norm_shift + 1, unsigned(NORM_SHIFT_BITS), "norm_shift")
        # The shift takes two cycles, the large steps first: the small ones reach 7 bits higher at most.
        fine = 3
        coarse3 = register(
            product2 >> Cat(Const(0, fine), mean_shift[fine:]), signed(mean_bits + (1 << fine)), "mean_coarse"
        )
        halves4 = register(
            coarse3 >> mean_shift[:fine],
            signed(mean_bits + 1),
            "mean_halves",
        )
        mean5 = register(round_half_up(halves4), signed(mean_bits), "mean5")
        square7 = multiply(m, delay(m, self.total, 5, name="total"), mean5, name="square")
        removed = round_half_up(square7 >> (MEAN_FRACTION_BITS - 1))
        spread8 = register(
            delay(m, self.squares, 7, name="squares") - removed, signed(SPREAD_BITS + 2), "spread8"
        )
        value9 = register(Mux(spread8 < 0, 0, spread8) + constants.epsilon, unsigned(SPREAD_BITS), "value9")

        m.submodules.root = root = PiecewiseLinearReciprocal(SPREAD_BITS, square_root=True)
        m.d.comb += root.value.eq(value9)
        scaled = register(root.mult * constants.norm_mult, unsigned(32), "scaled")
        # Both factors are below 2^16, so the rounded product is too.
        mult = register(round_half_up(scaled >> (MULT_BITS - 1)), unsigned(MULT_BITS), "mult")
        half = delay(m, root.leading, 2, name="half")
        centre = round_half_up(mean5 >> (MEAN_FRACTION_BITS - 2))
        stages = self.LATENCY - 1

        token_bits = ceil_log2(self.config.max_tokens)
        m.submodules.entries = entries = Memory(
            shape=unsigned(NORM_STATISTICS.size), depth=1 << token_bits, init=[], attrs=NO_COLLISION
        )
        store, load = entries.write_port(), entries.read_port()
        entry = Signal(NORM_STATISTICS)
        mean = delay(m, Cat(centre[:MEAN_BITS]), stages - 5, name="centre")
        with m.If(self.zero):
            m.d.sync += [part.eq(0) for part in (mean, mult, half, norm_shift)]
        m.d.comb += [
            entry.mean.eq(mean),
            entry.mult.eq(mult),
            entry.shift.eq((half + norm_shift)[:NORM_SHIFT_BITS]),
            store.en.eq(self.zero | delay(m, self.valid, stages, name="valid", reset_less=False)),
            store.addr.eq(Mux(self.zero, self.zero_token, delay(m, self.token, stages, name="token"))),
            store.data.eq(entry.as_value()),
            load.addr.eq(self.read_token),
            self.statistics.as_value().eq(load.data),
        ]
        return m
