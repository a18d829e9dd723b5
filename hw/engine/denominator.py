"""Softmax's denominators: row sums of the exponentials as they enter the array, and their reciprocals."""

from amaranth.hdl import Cat, Module, Mux, Signal, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from pointwise.hw.contract.config import CoreConfig
from pointwise.hw.contract.timing import Timing

from .interpolation import PiecewiseLinearReciprocal
from .primitives import ACTIVATION, add, ceil_log2, delay, tree
from .ram import NO_COLLISION
from .tags import RECIPROCAL, ROW_SUM_BITS, TokenTag


class Denominator(wiring.Component):
    """S[t] = Σ_k e[t, k] over the K-tiles of the first N-tile, then 1/S[t] into one of two slots.

    Ports:
        valid: a token enters the array.
        tag: its tag.
        token: its lanes; those past K are zero.
        slot: whose sum to read.
        read_token: of which token.
        reciprocal: of that sum, one cycle later.

    Latency: ``latency`` cycles from a token of the last K-tile to the cycle in which its reciprocal can be
        read.
        Throughput: one token a cycle; the same token again after 4 cycles or more.
    """

    def __init__(self, config: CoreConfig) -> None:
        self.config = config
        self.latency = Timing(config).denominator
        token = unsigned(ceil_log2(config.max_tokens))
        super().__init__(
            {
                "valid": In(1),
                "tag": In(TokenTag(config)),
                "token": In(data.ArrayLayout(ACTIVATION, config.rows)),
                "slot": In(1),
                "read_token": In(token),
                "reciprocal": Out(RECIPROCAL),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        config = self.config
        part, cycles = tree(m, [self.token[r][:8] for r in range(config.rows)], add, name="part")
        enable = delay(m, self.valid & self.tag.sum_add, cycles, name="enable", reset_less=False)
        first = delay(m, self.tag.first, cycles, name="first")
        last = delay(m, self.tag.last, cycles, name="last")
        slot = delay(m, self.tag.sum_slot, cycles, name="slot")
        token = delay(m, self.tag.token, cycles, name="token")

        m.submodules.kept = sums = Memory(
            shape=unsigned(ROW_SUM_BITS), depth=config.max_tokens, init=[], attrs=NO_COLLISION
        )
        # Block RAM takes half of a cycle to answer, so that it is asked a cycle before ``part`` is there.
        reader, writer = sums.read_port(), sums.write_port()
        before = Signal(ROW_SUM_BITS, reset_less=True)
        total = Signal(ROW_SUM_BITS, reset_less=True)
        m.d.comb += reader.addr.eq(delay(m, self.tag.token, cycles - 1, name="early_token"))
        m.d.sync += [
            before.eq(Mux(first, 0, reader.data)),
            total.eq(before + delay(m, part, 1, name="part1")),
        ]
        total_valid = delay(m, enable, 2, name="total_valid", reset_less=False)
        total_last = delay(m, last, 2, name="total_last")
        total_token = delay(m, token, 2, name="total_token")
        m.d.comb += [writer.addr.eq(total_token), writer.data.eq(total), writer.en.eq(total_valid)]

        m.submodules.reciprocal = reciprocal = PiecewiseLinearReciprocal(ROW_SUM_BITS, square_root=False)
        m.submodules.results = results = Memory(
            shape=unsigned(RECIPROCAL.size),
            depth=2 * (1 << ceil_log2(config.max_tokens)),
            init=[],
            attrs=NO_COLLISION,
        )
        store, load = results.write_port(), results.read_port()
        wait = PiecewiseLinearReciprocal.LATENCY
        m.d.comb += [
            reciprocal.value.eq(total),
            store.en.eq(delay(m, total_valid & total_last, wait, name="store", reset_less=False)),
            store.addr.eq(
                Cat(
                    delay(m, total_token, wait, name="store_token"),
                    delay(m, delay(m, slot, 2, name="slot2"), wait, name="store_slot"),
                )
            ),
            store.data.eq(Cat(reciprocal.mult, reciprocal.leading)),
            load.addr.eq(Cat(self.read_token, self.slot)),
            self.reciprocal.as_value().eq(load.data),
        ]
        return m
