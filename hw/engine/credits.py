"""A count of what is free: taken by one unit, given back by another."""

from amaranth.hdl import Module, Signal


class Credits:
    """Counts the banks of something that are free: taken here, given back by somebody else.

    ``some`` tells in a register that there are any.
    """

    def __init__(self, m: Module, total: int, given_back: Signal, *, name: str) -> None:
        self.free = Signal(range(total + 1), init=total, name=f"{name}_free")
        self.available = Signal(init=1, name=f"{name}_some")
        self.take = Signal(name=f"{name}_take")
        m.d.sync += [
            self.free.eq(self.free + given_back - self.take),
            self.available.eq(given_back | (self.free > 1) | ((self.free == 1) & ~self.take)),
        ]
