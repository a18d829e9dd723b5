"""Harnesses of the address generators: their addresses are those of ``hw.contract.walks.LoopNest``."""

from amaranth.hdl import Assert, Assume, Cover, Elaboratable, Module, Signal
from amaranth.hdl._ast import AnyConst

from pointwise.hw.contract.walks import LoopNest
from pointwise.hw.engine.address import AddressGenerator, AheadGenerator
from pointwise.sim.formal.properties import free

WIDTH = 3
"""Bits of an address here: the additions of more of them are the same, and products are hard to prove."""
LEVELS = 3


class Loops:
    """Loops that begin and go on at any time, with any strides, and the nest that they are.

    Attributes:
        begins: all loops begin, at ``base``. goes_on: one of the loops goes on, else none.
        nest: the loops. turns: of each, as counted.
    """

    def __init__(self, m: Module) -> None:
        self.strides = [Signal(WIDTH, name=f"stride_{level}") for level in range(LEVELS)]
        m.d.comb += [stride.eq(AnyConst(WIDTH)) for stride in self.strides]
        self.base = free(WIDTH, name="base", m=m)
        self.begins = free(name="begins", m=m)
        self.goes_on = [free(name=f"goes_on_{level}", m=m) for level in range(LEVELS)]
        m.d.comb += Assume(sum([*self.goes_on, self.begins]) <= 1)
        began = Signal(WIDTH)
        self.turns = [Signal(WIDTH, name=f"turn_{level}") for level in range(LEVELS)]
        self.nest = LoopNest(began, (), tuple(self.strides), WIDTH)  # pyright: ignore[reportArgumentType]
        with m.If(self.begins):
            m.d.sync += [began.eq(self.base), *(turn.eq(0) for turn in self.turns)]
        for level, goes_on in enumerate(self.goes_on):
            with m.If(goes_on):
                m.d.sync += [turn.eq(0) for turn in self.turns[:level]]
                m.d.sync += self.turns[level].eq(self.turns[level] + 1)
        m.d.comb += [Cover(turn == 2) for turn in self.turns]

    def outer(self, level: int, turns: list[Signal]) -> tuple[Signal | int, ...]:
        """Turns with those of the loops inside ``level`` at their beginning."""
        return (*(0 for _ in range(level)), *turns[level:])


class AddressProof(Elaboratable):
    """The address of an AddressGenerator, and where each of its loops began."""

    def elaborate(self, platform: object) -> Module:
        m = Module()
        loops = Loops(m)
        unit = AddressGenerator(m, LEVELS, WIDTH, "address")
        with m.If(loops.begins):
            unit.begin(loops.base)
        for level, goes_on in enumerate(loops.goes_on):
            with m.If(goes_on):
                unit.advance(level, loops.strides[level])
        for level, start in enumerate(unit.starts):
            m.d.comb += Assert(start == loops.nest.address(loops.outer(level, loops.turns)))
        m.d.comb += Assert(unit.address == loops.nest.address(tuple(loops.turns)))
        return m


class AheadProof(Elaboratable):
    """An AheadGenerator goes on with the innermost loop that has not ended, two cycles after a change at the
    earliest, and ``following`` is the address to which it goes."""

    def elaborate(self, platform: object) -> Module:
        m = Module()
        loops = Loops(m)
        ends = [Signal(name=f"end_{level}") for level in range(LEVELS - 1)]
        m.d.comb += [end.eq(AnyConst(1)) for end in ends]
        unit = AheadGenerator(m, ends, loops.strides, WIDTH, "address")
        moves = [~ends[0], ends[0] & ~ends[1], ends[0] & ends[1]]
        changes = loops.begins
        for level, goes_on in enumerate(loops.goes_on):
            m.d.comb += Assume(~goes_on | moves[level])
            changes |= goes_on
        rested = Signal()
        m.d.sync += rested.eq(~changes)
        with m.If(loops.begins):
            unit.begin(loops.base)
        for goes_on in loops.goes_on:
            with m.If(goes_on):
                m.d.comb += Assume(rested)
                unit.go_on()
        for level, start in enumerate(unit.starts):
            m.d.comb += Assert(start == loops.nest.address(loops.outer(level, loops.turns)))
            following = [turn + (other == level) for other, turn in enumerate(loops.turns)]
            with m.If(rested & moves[level]):
                m.d.comb += Assert(unit.following == loops.nest.address(loops.outer(level, following)))
        return m
