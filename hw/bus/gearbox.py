"""Width conversion between beats of the bus and the items that the core works on (rows, words, instructions).

All widths are powers of two times eight bits. The first item lies in the low bits of a beat, and the first
beat in the low bits of an item.
"""

from amaranth.hdl import Cat, Module, Signal, unsigned
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from pointwise.hw.contract.errors import PointwiseError


def _check(beat_bits: int, item_bits: int) -> None:
    for bits in (beat_bits, item_bits):
        if bits < 8 or bits & (bits - 1):
            raise PointwiseError(
                f"a gearbox cannot handle {bits} bits; widths must be powers of two of at least 8"
            )


class TaggedBeat(data.StructLayout):
    """A beat or an item with a mark. Fields: ``data``; ``last``: nothing of the same block follows."""

    def __init__(self, bits: int) -> None:
        super().__init__({"data": unsigned(bits), "last": unsigned(1)})


class InputWidthConverter(wiring.Component):
    """Beats to items.

    Args:
        beat_bits, item_bits: widths, powers of two of at least 8.

    Ports:
        beats: the beats, marked. A marked beat must complete an item.
        items: the items, registered; the last one of a marked beat is marked.
        flush: when the item on offer is taken, the rest of its beat is dropped, in no time.

    Latency: one cycle from the beat that completes an item. Throughput: a beat or an item a cycle, whichever
    is the smaller.
    """

    def __init__(self, beat_bits: int, item_bits: int) -> None:
        _check(beat_bits, item_bits)
        self.beat_bits, self.item_bits = beat_bits, item_bits
        super().__init__(
            {
                "beats": In(stream.Signature(TaggedBeat(beat_bits))),
                "items": Out(stream.Signature(TaggedBeat(item_bits))),
                "flush": In(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        beats, items = self.beats, self.items
        splits = max(1, self.beat_bits // self.item_bits)  # items of a beat
        joins = max(1, self.item_bits // self.beat_bits)  # beats of an item
        held = Signal(max(self.beat_bits, self.item_bits), reset_less=True)
        marked = Signal()
        left = Signal(range(max(2, splits)))  # items of the held beat behind the one on offer
        missing = Signal(range(max(2, joins)), init=joins - 1)  # beats to come behind the next one

        taken = Signal()
        finished = Signal()
        m.d.comb += [
            items.p.data.eq(held),
            items.p.last.eq(marked & (left == 0)),
            taken.eq(items.valid & items.ready),
            finished.eq(taken & ((left == 0) | self.flush)),
            beats.ready.eq(~items.valid | finished),
        ]
        with m.If(taken):
            if splits > 1:
                m.d.sync += [held.eq(held >> self.item_bits), left.eq(left - 1)]
            with m.If(finished):
                m.d.sync += items.valid.eq(0)
        with m.If(beats.valid & beats.ready):
            m.d.sync += [
                held.eq(Cat(held, beats.p.data)[self.beat_bits :] if joins > 1 else beats.p.data),
                marked.eq(beats.p.last),
                left.eq(splits - 1),
                missing.eq(missing - 1),
            ]
            with m.If(missing == 0):
                m.d.sync += [items.valid.eq(1), missing.eq(joins - 1)]
        return m


class PacketTruncator(wiring.Component):
    """Drops the end of a block of items from where it is not wanted any more.

    Args:
        item_bits: of an item.

    Ports:
        blocks: the items, the last one of each block marked.
        items: those that are wanted.
        flush: high while the last wanted item of a block is on offer: when that item is taken, the rest of
            the block, up to and including the marked item, is dropped. The next item is the first of the next
            block.

    Latency: none, ``items`` are offered as they come. Throughput: an item a cycle, dropped ones too.
    """

    def __init__(self, item_bits: int) -> None:
        super().__init__(
            {
                "blocks": In(stream.Signature(TaggedBeat(item_bits))),
                "items": Out(stream.Signature(item_bits)),
                "flush": In(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        blocks, items = self.blocks, self.items
        dropping = Signal()
        m.d.comb += [
            items.payload.eq(blocks.p.data),
            items.valid.eq(blocks.valid & ~dropping),
            blocks.ready.eq(items.ready | dropping),
        ]
        with m.If(blocks.valid & blocks.ready):
            m.d.sync += dropping.eq((self.flush | dropping) & ~blocks.p.last)
        return m


class OutputWidthConverter(wiring.Component):
    """Items to beats. A block (up to the item marked ``last``) fills whole beats, the last one with zeros.

    Args:
        item_bits, beat_bits: widths, powers of two of at least 8.

    Ports:
        items: the items, marked.
        beats: the beats, registered.

    Latency: one cycle from the item that completes a beat. Throughput: a beat or an item a cycle, whichever
    is the smaller.
    """

    def __init__(self, item_bits: int, beat_bits: int) -> None:
        _check(beat_bits, item_bits)
        self.item_bits, self.beat_bits = item_bits, beat_bits
        super().__init__(
            {"items": In(stream.Signature(TaggedBeat(item_bits))), "beats": Out(stream.Signature(beat_bits))}
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        items, beats = self.items, self.beats
        splits = max(1, self.item_bits // self.beat_bits)  # beats of an item
        joins = max(1, self.beat_bits // self.item_bits)  # items of a beat
        held = Signal(max(self.beat_bits, self.item_bits), reset_less=True)
        left = Signal(range(max(2, splits)))  # beats of the held item behind the one on offer
        filled = Signal(range(max(2, joins)))  # items that the next beat has already

        taken = Signal()
        m.d.comb += [
            beats.payload.eq(held),
            taken.eq(beats.valid & beats.ready),
            items.ready.eq(~beats.valid | (taken & (left == 0))),
        ]
        with m.If(taken):
            if splits > 1:
                m.d.sync += [held.eq(held >> self.beat_bits), left.eq(left - 1)]
            with m.If(left == 0):
                m.d.sync += beats.valid.eq(0)
        with m.If(items.valid & items.ready):
            m.d.sync += left.eq(splits - 1)
            if joins == 1:
                m.d.sync += [held.eq(items.p.data), beats.valid.eq(1)]
            else:
                with m.Switch(filled):
                    for place in range(joins):
                        with m.Case(place):
                            start = place * self.item_bits
                            m.d.sync += held[start : start + self.item_bits].eq(items.p.data)
                            if place == 0:
                                m.d.sync += held[self.item_bits :].eq(0)
                m.d.sync += filled.eq(filled + 1)
                with m.If(items.p.last | (filled == joins - 1)):
                    m.d.sync += [filled.eq(0), beats.valid.eq(1)]
        return m
