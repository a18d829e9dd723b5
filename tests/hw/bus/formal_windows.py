"""Harnesses of the masters' windows: whatever they are asked for, no burst reaches the bus from outside.

Of the windows it is assumed what Control is proved to give: they begin at a page, end in the memory, and
change during ``halt`` only.
"""

from amaranth.hdl import Assert, Assume, Cat, Cover, Elaboratable, Module, Mux, Signal, Value

from pointwise.hw.bus.reader import AxiReader
from pointwise.hw.bus.window import BEATS_BITS, OFFSET_BITS, PAGE_BITS, WINDOWS
from pointwise.hw.bus.writer import AxiWriter
from pointwise.hw.contract.config import CoreConfig
from pointwise.hw.contract.isa import Base
from pointwise.sim.formal.axi import write_memory
from pointwise.sim.formal.properties import free_inputs, inside, previous


class Window:
    """One window of a unit, with what is assumed of it; sizes in beats."""

    def __init__(self, m: Module, view: object, halt: Value, config: CoreConfig, name: str) -> None:
        lane = config.bus_bytes.bit_length() - 1
        end = 1 << config.axi_addr_width
        now = view.as_value()
        before = previous(m, now, name=f"{name}_window")
        started = previous(m, 1, name=f"{name}_started")
        m.d.comb += [
            Assume(view.base[:PAGE_BITS] == 0),
            Assume(view.base + view.bytes <= end),
            Assume(~started | halt | (now == before)),
        ]
        self.base, self.limit = view.base >> lane, view.bytes >> lane
        addr_width = config.axi_addr_width
        self.base_before, self.limit_before = before[lane:addr_width], before[addr_width + lane :]

    def holds(self, first: Value, count: Value) -> Value:
        """Beats of the memory lie in the window."""
        return (first >= self.base) & (first + count <= self.base + self.limit)

    def held(self, first: Value, count: Value) -> Value:
        """The same of the window of the cycle before."""
        return (first >= self.base_before) & (first + count <= self.base_before + self.limit_before)


def chosen(window: Value, values: list[Value]) -> Value:
    """What belongs to a window, 0 if it is none."""
    value: Value | int = 0
    for index, candidate in enumerate(values):
        value = Mux(window == index, candidate, value)
    return value


class ReaderWindowProof(Elaboratable):
    """Any transfers, any windows: a burst that is offered on AR lies in the window of its transfer."""

    def __init__(self, config: CoreConfig, depths: list[int]) -> None:
        self.config, self.depths = config, depths
        self.lane, self.edge = config.bus_bytes.bit_length() - 1, config.axi_burst.bit_length() - 1
        self.block_bits = OFFSET_BITS - self.lane - self.edge

    def elaborate(self, platform: object) -> Module:
        m = Module()
        unit = AxiReader(self.config, self.depths)
        free_inputs(m, unit)
        state = inside(m, unit)
        self.windows = [
            Window(m, unit.windows[base], unit.halt, self.config, base.name.lower()) for base in Base
        ]
        # Of the burst that was put on AR in the cycle before: its window, and its block counted from there.
        own, block = Signal(2), Signal(self.block_bits)
        for index in range(len(self.depths)):
            its_window, its_block = self._splitter(m, unit, state, index)
            with m.If(state["issue"] & state["chosen"][index]):
                m.d.sync += [own.eq(its_window), block.eq(its_block)]
        axi = unit.axi
        born = axi.arvalid & ~previous(m, axi.arvalid & ~axi.arready, name="born")
        first, count = axi.araddr >> self.lane, axi.arlen + 1
        with m.If(born):
            m.d.comb += [Assert(own < WINDOWS), Cover(count == self.config.axi_burst)]
            for number, window in enumerate(self.windows):
                relative = Cat(first[: self.edge], block)
                with m.If(own == number):
                    m.d.comb += [
                        Assert(first == (window.base_before + relative)[: len(first)]),
                        Assert(relative + count <= window.limit_before),
                        Assert(window.held(first, count)),
                    ]
        m.d.comb += Cover(unit.refused.any())
        return m

    def _splitter(
        self, m: Module, unit: AxiReader, state: dict[str, Signal], index: int
    ) -> tuple[Signal, Signal]:
        """What makes that inductive, of one splitter; returns window and block of the burst on offer."""
        at, burst, edge = f"splitter{index}.", self.config.axi_burst, self.edge
        addr_width = self.config.axi_addr_width
        transfers = unit.transfers[index]
        m.d.comb += Assume(~transfers.valid | (transfers.p.beats != 0))

        # Of the transfer that waits, of the next burst of the one at work, and of the burst on offer.
        following, present, own = (Signal(2, name=f"{name}{index}") for name in ("next", "now", "own"))
        first = Signal(OFFSET_BITS - self.lane, name=f"first{index}")
        count = Signal(BEATS_BITS, name=f"count{index}")
        block, own_block = (Signal(self.block_bits, name=f"{name}{index}") for name in ("block", "own_block"))
        with m.If(transfers.valid & transfers.ready):
            m.d.sync += [
                following.eq(transfers.p.window),
                first.eq(transfers.p.offset >> self.lane),
                count.eq(transfers.p.beats),
            ]
        with m.If(state[at + "form"]):
            m.d.sync += [own.eq(present), own_block.eq(block), block.eq(block + 1)]
        with m.If(state[at + "load"]):
            m.d.sync += [present.eq(following), block.eq(first >> edge)]

        def at_base(register: Signal, window: Signal, place: Value) -> Value:
            """A block of the memory is so many blocks from the base of its window."""
            bases = [one.base >> edge for one in self.windows]
            return register == (chosen(window, bases) + place)[: len(register)]

        def limit(window: Signal) -> Value:
            return chosen(window, [one.limit for one in self.windows])

        offers = state[at + "bursts__payload"]
        behind, length, tail, whole = (state[at + name] for name in ("behind", "length", "tail", "whole"))
        begin, reach = state[at + "offset"][:edge], state[at + "next_reach"]
        with m.If(~unit.halt):
            with m.If(state[at + "waiting"]):
                m.d.comb += [
                    Assert(count != 0),
                    Assert(at_base(state[at + "next_block"], following, first >> edge)),
                    Assert(state[at + "next_offset"][:edge] == first[:edge]),
                    Assert(reach == first[:edge] + count),
                    Assert(state[at + "next_short"] == (count < 2 * burst)),
                    Assert(state[at + "next_beats"] == count[: len(state[at + "next_beats"])]),
                    Assert(state[at + "next_end"] == ((first >> edge) << edge) + reach),
                    Assert(state[at + "next_limit"] == limit(following)),
                ]
            with m.If(state[at + "active"]):
                end = Cat(tail[:edge], block + behind)
                m.d.comb += [
                    Assert(length != 0),
                    Assert(begin + length == Mux(behind == whole, tail, burst)),
                    Assert((tail == Cat(tail[:edge], whole)) & (whole == ~tail[:edge].any())),
                    Assert(behind >= whole),
                    Assert(at_base(state[at + "block"], present, block)),
                ]
                with m.If(~state[at + "outside"]):
                    m.d.comb += Assert(end <= limit(present))
            with m.If(state[at + "fits"]):
                m.d.comb += [
                    Assert(state[at + "active"]),
                    Assert(state[at + "final"] == (behind == whole)),
                    Assert(state[at + "last_but_one"] == (behind == 1 + whole)),
                ]
            with m.If(state[at + "bursts__valid"] & ~offers[-1]):
                place = offers[self.lane : addr_width]
                m.d.comb += [
                    Assert(at_base(place[edge:], own, own_block)),
                    Assert(Cat(place[:edge], own_block) + offers[addr_width:-1] + 1 <= limit(own)),
                ]
        return own, own_block


class WriterWindowProof(Elaboratable):
    """Any transfers, any window: a burst that is offered on AW lies in it, and its transfer named it.

    What enters the queue of bursts is proved to lie there, and of what leaves it the same is assumed: that a
    queue gives what it was given is ``WriterDataProof``'s.
    """

    def __init__(self, config: CoreConfig) -> None:
        self.config = config

    def elaborate(self, platform: object) -> Module:
        m = Module()
        unit = AxiWriter(self.config)
        free_inputs(m, unit, fixed=("axi",))
        state = inside(m, unit)
        axi, transfers = unit.axi, unit.transfers
        write_memory(m, axi)
        addr_width, lane = self.config.axi_addr_width, self.config.bus_bytes.bit_length() - 1
        windows = [Window(m, unit.windows[base], unit.halt, self.config, base.name.lower()) for base in Base]
        window = windows[Base.OUTPUT]
        m.d.comb += Assume(~transfers.valid | (transfers.p.beats != 0))

        # The transfer that waits; of the one at work whether it named the window, and its next beat.
        named, right = Signal(2), Signal()
        offset, count = Signal(OFFSET_BITS - lane), Signal(BEATS_BITS)
        place = Signal.like(offset)
        with m.If(transfers.valid & transfers.ready):
            m.d.sync += [named.eq(transfers.p.window), offset.eq(transfers.p.offset >> lane)]
            m.d.sync += count.eq(transfers.p.beats)
        with m.If(state["taken"]):
            m.d.sync += place.eq(place + 1)
        with m.If(state["begins"]):
            m.d.sync += [right.eq(named == Base.OUTPUT), place.eq(offset)]
        first, length, left = state["first"], state["length"], state["remaining"]
        next_first, leaves = state["next_first"], state["queue.r_data"]
        base = chosen(named, [window.base for window in windows])
        with m.If(~unit.halt):
            with m.If(state["waiting"]):
                m.d.comb += [
                    Assert(count != 0),
                    Assert(next_first == (base + offset)[: len(next_first)]),
                    Assert(state["next_end"] == offset + count),
                    Assert(state["next_beats"] == count),
                    Assert(state["next_final"] == (count == 1)),
                    Assert(state["next_named"] == (named == Base.OUTPUT)),
                ]
            with m.If(state["active"]):
                edge = self.config.axi_burst.bit_length() - 1
                at_border = (first + length)[:edge].all()
                m.d.comb += [
                    Assert(left != 0),
                    Assert(state["final"] == (left == 1)),
                    Assert(state["place"] == (first + length)[: len(state["place"])]),
                    Assert(state["ends"] == ((left == 1) | at_border)),
                    Assert(length <= state["place"]),
                ]
                with m.If(~state["outside"]):
                    m.d.comb += [
                        Assert(right),
                        Assert((first + length)[: len(first)] == (window.base + place)[: len(first)]),
                        Assert(place + left <= window.limit),
                        Assert(length <= place),
                    ]
            with m.If(state["taken"] & state["ends"] & ~state["outside"]):
                m.d.comb += Assert(window.holds(first, length + 1))  # what enters the queue
            with m.If(state["queue.r_rdy"]):
                m.d.comb += Assume(window.holds(leaves[lane:addr_width], leaves[addr_width:] + 1))
        born = axi.awvalid & ~previous(m, axi.awvalid & ~axi.awready, name="born")
        with m.If(born):
            m.d.comb += Assert(window.held(axi.awaddr >> lane, axi.awlen + 1))
        m.d.comb += [Cover(unit.refused), Cover(born)]
        return m
