"""LayerNorm's two mean convolutions, without their weights: Σx and Σx² of what the epilogue writes."""

from amaranth.hdl import Cat, Module, Mux, Signal, signed, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from pointwise.hw.contract.config import CoreConfig
from pointwise.hw.contract.timing import Timing

from .layernorm import SQUARES_BITS, TOTAL_BITS
from .primitives import add, ceil_log2, delay, tree
from .ram import NO_COLLISION


class TokenSums(wiring.Component):
    """``pointwise.model.integer.layernorm.token_sums``, group by group and N-tile by N-tile.

    Ports:
        valid: there is a group of results.
        values: P int16 results.
        mask: which of them count.
        first_group: it is the first of its token in this N-tile.
        last_group: it is the last of its token in this N-tile.
        first_tile: the N-tile is the first.
        last_tile: the N-tile is the last.
        token: whose sums.
        out_valid: sums are complete, after the last group of the last N-tile.
        out_token: whose they are.
        total: the sum of the values.
        squares: the sum of their squares.

    Latency: ``latency`` cycles from the last group to the sums. Throughput: one group a cycle; the same token
        in another N-tile after 4 cycles or more.
    """

    def __init__(self, config: CoreConfig) -> None:
        self.config = config
        self.latency = Timing(config).token_sums
        token = unsigned(ceil_log2(config.max_tokens))
        super().__init__(
            {
                "valid": In(1),
                "values": In(data.ArrayLayout(signed(16), config.post_lanes)),
                "mask": In(unsigned(config.post_lanes)),
                "first_group": In(1),
                "last_group": In(1),
                "first_tile": In(1),
                "last_tile": In(1),
                "token": In(token),
                "out_valid": Out(1),
                "out_token": Out(token),
                "total": Out(signed(TOTAL_BITS)),
                "squares": Out(unsigned(SQUARES_BITS)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        lanes = self.config.post_lanes
        masked, products = [], []
        counts = delay(m, self.mask, 1, name="counts")
        for p in range(lanes):
            value = Signal(signed(16), name=f"value_{p}", reset_less=True)
            product = Signal(unsigned(31), name=f"product_{p}", reset_less=True)
            # Masked behind the register: it is the multiplier's own, which takes every product.
            m.d.sync += [
                value.eq(Mux(self.mask[p], self.values[p], 0)),
                product.eq(self.values[p] * self.values[p]),
            ]
            masked.append(value)
            products.append(Mux(counts[p], product, 0))
        part, cycles = tree(m, masked, add, name="part")
        part_squares, _ = tree(m, products, add, name="part_squares")
        cycles += 1
        valid = delay(m, self.valid, cycles, name="valid", reset_less=False)
        first_group = delay(m, self.first_group, cycles, name="first_group")
        last_group = delay(m, self.last_group, cycles, name="last_group")
        first_tile = delay(m, self.first_tile, cycles, name="first_tile")
        last_tile = delay(m, self.last_tile, cycles + 2, name="last_tile")
        early = delay(m, self.token, cycles - 1, name="early")
        token = delay(m, early, 1, name="token")

        m.submodules.kept = sums = Memory(
            shape=unsigned(TOTAL_BITS + SQUARES_BITS),
            depth=self.config.max_tokens,
            init=[],
            attrs=NO_COLLISION,
        )
        reader, writer = sums.read_port(), sums.write_port()
        # Block RAM takes half of a cycle to answer, so that it is asked a cycle before the parts are there.
        m.d.comb += reader.addr.eq(early)
        before = delay(m, Mux(first_tile, 0, reader.data), 1, name="before")
        row = Signal(signed(TOTAL_BITS), reset_less=True)
        row_squares = Signal(SQUARES_BITS, reset_less=True)
        total = Signal(signed(TOTAL_BITS), reset_less=True)
        squares = Signal(SQUARES_BITS, reset_less=True)
        with m.If(valid):
            m.d.sync += [
                row.eq(part + Mux(first_group, 0, row)),
                row_squares.eq(part_squares + Mux(first_group, 0, row_squares)),
            ]
        m.d.sync += [
            total.eq(row + before[:TOTAL_BITS].as_signed()),
            squares.eq(row_squares + before[TOTAL_BITS:]),
        ]
        done = delay(m, valid & last_group, 2, name="done", reset_less=False)
        done_token = delay(m, token, 2, name="done_token")
        m.d.comb += [
            writer.en.eq(done),
            writer.addr.eq(done_token),
            writer.data.eq(Cat(total, squares)),
            self.out_valid.eq(done & last_tile),
            self.out_token.eq(done_token),
            self.total.eq(total),
            self.squares.eq(squares),
        ]
        return m
