"""Harnesses of the gearbox: what goes in comes out, in order and once."""

from amaranth.hdl import Assert, Assume, Cat, Const, Cover, Elaboratable, Module, Mux, Signal, Value

from pointwise.hw.bus.gearbox import InputWidthConverter, OutputWidthConverter, PacketTruncator
from pointwise.sim.formal.properties import free_inputs, in_order, inside, stable


def parts(value: Value, bits: int) -> list[Value]:
    """The pieces of a value, the low one first."""
    return [value[start : start + bits] for start in range(0, len(value), bits)]


def with_mark(pieces: list[Value], mark: Value) -> list[Value]:
    """Each with a bit that is the mark in the last, and 0 in the others."""
    return [*(Cat(piece, Const(0, 1)) for piece in pieces[:-1]), Cat(pieces[-1], mark)]


class InputWidthConverterProof(Elaboratable):
    """The items are those of the beats but for the rest of a flushed one; marks stay with the last item."""

    def __init__(self, beat_bits: int, item_bits: int) -> None:
        self.beat_bits, self.item_bits = beat_bits, item_bits

    def elaborate(self, platform: object) -> Module:
        m = Module()
        unit = InputWidthConverter(self.beat_bits, self.item_bits)
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
        ghost = in_order(
            m,
            Mux(given, splits, 0),
            with_mark(parts(beats.p.data, piece), beats.p.last),
            Mux(taken, joins, 0),
            with_mark(parts(items.p.data, piece), items.p.last),
            capacity=max(splits, joins),
            drop=flushed,
            name="part",
        )
        if joins > 1:
            begun = Mux(items.valid, 0, ghost["inside"])  # beats of an item that is not complete
            with m.If(given & beats.p.last):
                m.d.comb += Assume(begun == joins - 1)  # a marked beat must complete an item

        # What makes it inductive.
        held = state["held"]
        m.d.comb += [Assert(state["left"] < splits), Assert(state["missing"] < joins)]
        with m.If(items.valid):
            m.d.comb += Assert(ghost["inside"] == (joins if splits == 1 else state["left"] + 1))
        with m.Else():
            m.d.comb += Assert(ghost["inside"] == (joins - 1 - state["missing"] if joins > 1 else 0))
        if joins > 1:
            with m.If(items.valid):
                m.d.comb += Assert(state["missing"] == joins - 1)
            with m.Elif(ghost["inside"] != 0):
                m.d.comb += Assert(~state["marked"])
        first = Mux(items.valid, 0, joins - ghost["inside"]) if joins > 1 else 0
        with m.If(ghost["watching"]):
            newest = ghost["ahead"] + 1 == ghost["inside"]
            part = held.word_select((first + ghost["ahead"])[:4], piece)
            m.d.comb += Assert(ghost["watched"] == Cat(part, state["marked"] & newest))
        return m


class PacketTruncatorProof(Elaboratable):
    """Every item is passed on, but for those between a flush and the end of its block, which are dropped."""

    def elaborate(self, platform: object) -> Module:
        m = Module()
        unit = PacketTruncator(8)
        free_inputs(m, unit)
        state = inside(m, unit)
        blocks, items = unit.blocks, unit.items
        given, taken = blocks.valid & blocks.ready, items.valid & items.ready
        skipping = Signal()
        with m.If(given & blocks.p.last):
            m.d.sync += skipping.eq(0)
        with m.Elif(taken & unit.flush):
            m.d.sync += skipping.eq(1)
        m.d.comb += [
            Assert(items.valid == (blocks.valid & ~skipping)),
            Assert(~items.valid | (items.payload == blocks.p.data)),
            Assert(given == (taken | (blocks.valid & skipping))),
            Cover(given & skipping),
            Assert(state["dropping"] == skipping),  # what makes it inductive
        ]
        return m


class OutputWidthConverterProof(Elaboratable):
    """The beats are made of the items; a beat that an item ends early is filled with zeros."""

    def __init__(self, item_bits: int, beat_bits: int) -> None:
        self.item_bits, self.beat_bits = item_bits, beat_bits

    def elaborate(self, platform: object) -> Module:
        m = Module()
        unit = OutputWidthConverter(self.item_bits, self.beat_bits)
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
