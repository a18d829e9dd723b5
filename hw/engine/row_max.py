"""Softmax's row maxima: kept as the scores leave the array, read as they come back."""

from amaranth.hdl import Cat, Module, Mux, Signal, signed, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from pointwise.hw.contract.config import CoreConfig
from pointwise.hw.contract.timing import Timing

from .primitives import ceil_log2, delay, less, maximum, tree
from .ram import NO_COLLISION


class RowMax(wiring.Component):
    """m[t] = max over all N-tiles, groups and lanes of the results of token t, in one of two slots.

    Ports:
        valid: there is a group of results.
        values: P int8 results.
        mask: which of them count.
        first_group: it is the first of its token in this N-tile.
        last_group: it is the last of its token in this N-tile.
        first_tile: the N-tile is the first.
        slot: under which the maximum is kept.
        token: under which it is kept.
        zero: the maximum at ``zero_address`` becomes 0, also in the cycle after.
        zero_address: token, then slot.
        read_slot: what to read.
        read_token: what to read.
        row_max: the maximum, one cycle later.

    Latency: ``latency`` cycles from the last group to the cycle in which the maximum can be read. Throughput:
        one group a cycle; the same token in another N-tile after 4 cycles or more.
    """

    def __init__(self, config: CoreConfig) -> None:
        self.config = config
        self.latency = Timing(config).row_max
        token = unsigned(ceil_log2(config.max_tokens))
        super().__init__(
            {
                "valid": In(1),
                "values": In(data.ArrayLayout(signed(8), config.post_lanes)),
                "mask": In(unsigned(config.post_lanes)),
                "first_group": In(1),
                "last_group": In(1),
                "first_tile": In(1),
                "slot": In(1),
                "token": In(token),
                "zero": In(1),
                "zero_address": In(ceil_log2(config.max_tokens) + 1),
                "read_slot": In(1),
                "read_token": In(token),
                "row_max": Out(signed(8)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        lanes = self.config.post_lanes
        # What does not count is the least number there is, and changes nothing.
        counted = []
        for p in range(lanes):
            value = Signal(signed(8), name=f"value_{p}", reset_less=True)
            m.d.sync += value.eq(Mux(self.valid & self.mask[p], self.values[p], -128))
            counted.append(value)
        part, cycles = tree(m, counted, maximum, name="part")
        cycles += 1
        valid = delay(m, self.valid, cycles, name="valid", reset_less=False)
        restart = delay(m, self.valid & self.first_group, cycles, name="restart")
        last_group = delay(m, self.last_group, cycles, name="last_group")
        first_tile = delay(m, self.first_tile, cycles + 1, name="first_tile")
        early = delay(m, Cat(self.token, self.slot), cycles - 1, name="early")
        address = delay(m, early, 1, name="address")

        m.submodules.maxima = maxima = Memory(
            shape=signed(8), depth=2 << ceil_log2(self.config.max_tokens), init=[], attrs=NO_COLLISION
        )
        before, reader, writer = maxima.read_port(), maxima.read_port(), maxima.write_port()
        row = Signal(signed(8), reset_less=True)
        with m.If(restart | less(row, part)):
            m.d.sync += row.eq(part)
        total = Signal(signed(8), reset_less=True)
        # Block RAM takes half of a cycle to answer, so that it is asked a cycle before ``part`` is there.
        earlier = delay(m, before.data.as_signed(), 1, name="earlier")
        m.d.sync += total.eq(Mux(first_tile, row, maximum(row, earlier)))
        with m.If(self.zero):
            m.d.sync += total.eq(0)
        m.d.comb += [
            before.addr.eq(early),
            writer.en.eq(self.zero | delay(m, valid & last_group, 2, name="write", reset_less=False)),
            writer.addr.eq(Mux(self.zero, self.zero_address, delay(m, address, 2, name="write_address"))),
            writer.data.eq(total),
            reader.addr.eq(Cat(self.read_token, self.read_slot)),
            self.row_max.eq(reader.data),
        ]
        return m
