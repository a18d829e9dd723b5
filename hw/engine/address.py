"""Addresses that nests of loops go through: strides are added, never multiplied."""

from collections.abc import Sequence

from amaranth.hdl import Module, Mux, Signal, Value, ValueLike


class AddressGenerator:
    """The address of a ``hw.contract.walks.LoopNest`` whose loops somebody else counts.

    For each loop there is a register with the address at which its present turn began. When a loop goes on,
    its stride is added to that, and the loops inside begin there.

    Args:
        levels: loops. width: bits of an address.

    Signals:
        address: of the present turn of all loops.
    """

    def __init__(self, m: Module, levels: int, width: int, name: str) -> None:
        self.m = m
        self.starts = [Signal(width, name=f"{name}_{level}") for level in range(levels)]
        self.address = self.starts[0]

    def begin(self, base: Value) -> None:
        """All loops begin, at ``base``."""
        self.m.d.sync += [start.eq(base) for start in self.starts]

    def advance(self, level: int, stride: Value) -> None:
        """A loop goes on, and those inside begin anew."""
        self.move(level, self.starts[level] + stride)

    def move(self, level: int, address: Value) -> None:
        """The same to an address that is known."""
        self.m.d.sync += [start.eq(address) for start in self.starts[: level + 1]]


class AheadGenerator(AddressGenerator):
    """The same for outer loops, which go on seldom: the next address is in a register before it is wanted.

    One adder serves all loops. ``following`` is right from the second cycle after a change on.

    Args:
        ends: of each loop but the outermost: whether its present turn is its last one, the innermost first.
        strides: of each loop.

    Signals:
        following: the address of the next turn.
    """

    def __init__(
        self, m: Module, ends: Sequence[Value], strides: Sequence[ValueLike], width: int, name: str
    ) -> None:
        super().__init__(m, len(strides), width, name)
        self.ends = ends
        self.following = Signal(width, name=f"{name}_following")
        start, stride = self.starts[-1], strides[-1]
        for end, inner, step in reversed(list(zip(ends, self.starts, strides, strict=False))):
            start, stride = Mux(end, start, inner), Mux(end, stride, step)
        m.d.sync += self.following.eq(start + stride)

    def go_on(self) -> None:
        """Go on to ``following``."""
        moves: Value | int = 1
        for index, start in enumerate(self.starts):
            with self.m.If(moves):
                self.m.d.sync += start.eq(self.following)
            if index < len(self.ends):
                moves = moves & self.ends[index]
