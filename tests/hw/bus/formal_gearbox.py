"""Harnesses of the gearbox: what goes in comes out, in order and once."""

from amaranth.hdl import Assert, Assume, Elaboratable, Module, Mux, Signal, Value

from hw.bus.gearbox import Packer, Unpacker
from sim.formal.properties import free_inputs, in_order, inside, stable


def parts(value: Value, bits: int) -> list[Value]:
    """The pieces of a value, the low one first."""
    return [value[start : start + bits] for start in range(0, len(value), bits)]


class UnpackerProof(Elaboratable):
    """The items are those of the beats, but for what lies between a flush and the end of its block."""

    def __init__(self, beat_bits: int, item_bits: int) -> None:
        self.beat_bits, self.item_bits = beat_bits, item_bits

    def elaborate(self, platform: object) -> Module:
        m = Module()
        unit = Unpacker(self.beat_bits, self.item_bits)
        free_inputs(m, unit)
        state = inside(m, unit)
        beats, items = unit.beats, unit.items
        piece = min(self.beat_bits, self.item_bits)
        splits = max(1, self.beat_bits // self.item_bits)
        joins = max(1, self.item_bits // self.beat_bits)

        given, taken, flushed = Signal(), Signal(), Signal()
        m.d.comb += [
            given.eq(beats.valid & beats.ready),
            taken.eq(items.valid & items.ready),
            flushed.eq(taken & unit.flush),
        ]
        stable(m, items.valid, items.ready, items.payload, name="items")

        marked, skipping = Signal(), Signal()  # of the newest beat; of a block's rest
        with m.If(given):
            m.d.sync += marked.eq(beats.p.last)
        with m.If(flushed & ~marked):
            m.d.sync += skipping.eq(1)
        with m.Elif(given & beats.p.last):
            m.d.sync += skipping.eq(0)
        ghost = in_order(
            m,
            Mux(given & ~skipping, splits, 0),
            parts(beats.p.data, piece),
            Mux(taken, joins, 0),
            parts(items.payload, piece),
            capacity=max(splits, joins),
            drop=flushed,
            name="part",
        )
        begun = Mux(items.valid, 0, ghost["inside"])  # beats of an item that is not complete
        if joins > 1:
            with m.If(given & ~skipping & beats.p.last):
                m.d.comb += Assume(begun == joins - 1)  # a marked beat must complete an item

        # What makes it inductive.
        held = state["held"]
        m.d.comb += Assert(state["dropping"] == skipping)
        m.d.comb += [Assert(state["left"] < splits), Assert(state["missing"] < joins)]
        with m.If(items.valid):
            m.d.comb += [Assert(state["marked"] == marked), Assert(~skipping)]
            m.d.comb += Assert(ghost["inside"] == (joins if splits == 1 else state["left"] + 1))
        with m.Elif(skipping):
            m.d.comb += Assert(ghost["inside"] == 0)
        with m.Else():
            m.d.comb += Assert(ghost["inside"] == (joins - 1 - state["missing"] if joins > 1 else 0))
        if joins > 1:
            with m.If(skipping | items.valid):
                m.d.comb += Assert(state["missing"] == joins - 1)
        first = Mux(items.valid, 0, joins - ghost["inside"]) if joins > 1 else 0
        with m.If(ghost["watching"]):
            m.d.comb += Assert(held.word_select((first + ghost["ahead"])[:4], piece) == ghost["watched"])
        return m


class PackerProof(Elaboratable):
    """The beats are made of the items; a beat that an item ends early is filled with zeros."""

    def __init__(self, item_bits: int, beat_bits: int) -> None:
        self.item_bits, self.beat_bits = item_bits, beat_bits

    def elaborate(self, platform: object) -> Module:
        m = Module()
        unit = Packer(self.item_bits, self.beat_bits)
        free_inputs(m, unit)
        state = inside(m, unit)
        items, beats = unit.items, unit.beats
        piece = min(self.beat_bits, self.item_bits)
        splits = max(1, self.item_bits // self.beat_bits)
        joins = max(1, self.beat_bits // self.item_bits)

        given, taken = Signal(), Signal()
        m.d.comb += [given.eq(items.valid & items.ready), taken.eq(beats.valid & beats.ready)]
        stable(m, beats.valid, beats.ready, beats.payload, name="beats")

        filled = Signal(range(joins + 1))  # items of the beat that is on offer or being filled
        with m.If(given & (joins > 1)):
            m.d.sync += filled.eq(Mux(taken, 0, filled) + 1)
        with m.Elif(taken):
            m.d.sync += filled.eq(0)
        ghost = in_order(
            m,
            Mux(given, splits, 0),
            parts(items.p.data, piece),
            Mux(taken, filled if joins > 1 else 1, 0),
            parts(beats.payload, piece),
            capacity=max(splits, joins),
            name="part",
        )
        if joins > 1:
            ended = Signal()  # the newest item ended its block
            with m.If(given):
                m.d.sync += ended.eq(items.p.last)
            complete = (filled == joins) | ((filled != 0) & ended)
            m.d.comb += Assert(beats.valid == complete)
            for place, zero in enumerate(parts(beats.payload, piece)):
                with m.If(beats.valid & (filled <= place)):
                    m.d.comb += Assert(zero == 0)
                with m.If((filled != 0) & (filled <= place)):
                    m.d.comb += Assert(zero == 0)

        # What makes it inductive.
        m.d.comb += Assert(state["left"] < splits)
        if joins > 1:
            m.d.comb += [Assert(ghost["inside"] == filled), Assert(filled <= joins)]
            m.d.comb += Assert(state["filled"] == Mux(beats.valid, 0, filled))
        else:
            left = state["left"] + 1 if splits > 1 else 1
            m.d.comb += Assert(ghost["inside"] == Mux(beats.valid, left, 0))
        with m.If(ghost["watching"]):
            m.d.comb += Assert(state["held"].word_select(ghost["ahead"], piece) == ghost["watched"])
        return m
