"""Components around the functions of ``pointwise.hw.engine.primitives``, so that they can be simulated."""

from amaranth.hdl import Const, Module, signed, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from pointwise.hw.engine.primitives import (
    add,
    delay,
    maximum,
    multiply,
    round_half_up,
    saturate,
    saturate_byte,
    shift_saturate,
    tree,
)

COUNTS = (1, 2, 3, 4, 7, 8, 16, 33)
"""Values that the trees combine."""
LIMITS = {
    "int8": (-128, 127, signed(8)),
    "uint8": (0, 255, unsigned(8)),
    "int16": (-32768, 32767, signed(16)),
    "int24": (-(1 << 23), (1 << 23) - 1, signed(24)),
}
"""The last one is wider than the number."""
FACTORS = {
    "narrow": (signed(16), signed(18)),
    "mixed": (signed(33), unsigned(16)),
    "wide": (signed(28), signed(25)),
    "unsigned": (unsigned(34), unsigned(18)),
    "exact": (signed(18), unsigned(17)),
}
"""Shapes of factors, of one part and of several."""
DELAYS = (0, 1, 5)
SHIFTED_BITS = (2, 9, 17)


class Trees(wiring.Component):
    """Sum and maximum of the first ``count`` of the same signed bytes, one registered at every level."""

    def __init__(self) -> None:
        ports = {"values": In(data.ArrayLayout(signed(8), max(COUNTS)))}
        ports |= {f"sum{count}": Out(signed(14)) for count in COUNTS}
        ports |= {f"max{count}": Out(signed(8)) for count in COUNTS}
        ports |= {f"unsigned{count}": Out(unsigned(8)) for count in COUNTS}
        super().__init__(ports)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        for count in COUNTS:
            values = [self.values[index] for index in range(count)]
            total, _ = tree(m, values, add, name=f"sum{count}")
            largest, _ = tree(m, values, maximum, name=f"max{count}", every=1)
            bare, _ = tree(
                m, [value.as_unsigned() for value in values], maximum, name=f"unsigned{count}", every=3
            )
            m.d.comb += getattr(self, f"sum{count}").eq(total)
            m.d.comb += getattr(self, f"max{count}").eq(largest)
            m.d.comb += getattr(self, f"unsigned{count}").eq(bare)
        return m


class Scalars(wiring.Component):
    """Rounding, saturation, shifts and delays of one number."""

    def __init__(self) -> None:
        ports = {"value": In(signed(20)), "amount": In(unsigned(5)), "rounded": Out(signed(20))}
        ports |= {name: Out(shape) for name, (_, _, shape) in LIMITS.items()}
        ports |= {f"byte{is_unsigned}": Out(signed(9)) for is_unsigned in range(2)}
        ports |= {f"shifted{bits}": Out(signed(bits)) for bits in SHIFTED_BITS}
        ports |= {f"delay{cycles}": Out(signed(20)) for cycles in DELAYS}
        super().__init__(ports)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.d.comb += self.rounded.eq(round_half_up(self.value >> self.amount))
        for bits in SHIFTED_BITS:
            shifted = shift_saturate(m, self.value, self.amount, bits, name=f"shifted{bits}")
            m.d.comb += getattr(self, f"shifted{bits}").eq(shifted)
        for name, (_, _, shape) in LIMITS.items():
            m.d.comb += getattr(self, name).eq(saturate(self.value, shape))
        for is_unsigned in range(2):
            byte = saturate_byte(self.value, Const(is_unsigned, 1))
            m.d.comb += getattr(self, f"byte{is_unsigned}").eq(byte)
        for cycles in DELAYS:
            m.d.comb += getattr(self, f"delay{cycles}").eq(
                delay(m, self.value, cycles, name=f"delay{cycles}")
            )
        return m


class Products(wiring.Component):
    """The products of ``FACTORS``."""

    def __init__(self) -> None:
        ports = {}
        for name, (left, right) in FACTORS.items():
            ports |= {f"{name}_left": In(left), f"{name}_right": In(right)}
            ports[name] = Out(signed(left.width + right.width + 1))
        super().__init__(ports)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        for name in FACTORS:
            left, right = getattr(self, f"{name}_left"), getattr(self, f"{name}_right")
            m.d.comb += getattr(self, name).eq(multiply(m, left, right, name=f"{name}_product"))
        return m
