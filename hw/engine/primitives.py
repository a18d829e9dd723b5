"""Small pieces that many units use: delays, rounding, saturation, adder trees, counters' comparisons."""

from collections.abc import Callable, Sequence

from amaranth.hdl import Cat, Const, Module, Mux, Shape, Signal, Value, signed


def delay(m: Module, value: Value, cycles: int, *, name: str, reset_less: bool = True) -> Value:
    """``value`` as it was ``cycles`` clock cycles ago; with 0 cycles, ``value`` itself.

    Valid bits want ``reset_less=False``, data does not.
    """
    value = Value.cast(value)
    for stage in range(cycles):
        register = Signal(value.shape(), name=f"{name}_d{stage + 1}", reset_less=reset_less)
        m.d.sync += register.eq(value)
        value = register
    return value


def any_in_last(m: Module, happens: Value, cycles: int, *, name: str) -> Value:
    """Whether something happens now, or did so in one of the ``cycles`` − 1 cycles before."""
    found, past = happens, happens
    for cycle in range(1, cycles):
        past = delay(m, past, 1, name=f"{name}{cycle}", reset_less=False)
        found |= past
    return found


def round_half_up(value: Value) -> Value:
    """The second half of ``pointwise.model.integer.rounding.round_shift``: (value + 1) >> 1.

    The first half is ``value >> (shift − 1)``; a register fits between the two.
    """
    return (value + 1) >> 1


def all_equal(bits: Value) -> Value:
    """Whether all bits are the same: those above a signed number, where it fits."""
    return bits.all() | ~bits.any()


def saturate(value: Value, shape: Shape) -> Value:
    """A signed ``value`` clamped to what ``shape`` holds.

    It fits a signed shape where all bits from the sign's place on are the same, which takes fewer gates and
    less time than two comparisons. Before a rounding, saturate to one bit more than the result has: that
    changes nothing, and the rounding is short.
    """
    value, shape = Value.cast(value), Shape.cast(shape)
    if not shape.signed:
        kept = saturate(value, signed(shape.width + 1))
        return Mux(kept < 0, 0, kept)[: shape.width]
    if len(value) <= shape.width:
        return value
    fits, sign = all_equal(value[shape.width - 1 :]), value[-1]
    return Mux(fits, value[: shape.width], Cat((~sign).replicate(shape.width - 1), sign)).as_signed()


def saturate_byte(value: Value, is_unsigned: Value) -> Value:
    """A signed ``value`` clamped to uint8 or to int8, as a signed number of nine bits."""
    value = Value.cast(value)
    negative = value[-1]
    fits = Mux(is_unsigned, ~value[8:].any(), all_equal(value[7:]))
    low = Mux(fits, value[:7], (~negative).replicate(7))
    high = Mux(fits, value[7], negative ^ is_unsigned)
    return Cat(low, high, high & ~is_unsigned).as_signed()


SHIFT_CYCLES = 2
"""Latency of ``shift_saturate``."""


def shift_saturate(m: Module, value: Value, amount: Value, bits: int, *, name: str) -> Value:
    """``value >> amount`` clamped to ``bits`` signed bits, SHIFT_CYCLES cycles later (and an OR with an XOR).

    The large steps of the shift come first, and a register is before the last three. Before each step no more
    bits are kept than it and those after it can bring into the result. Bits are told apart from the sign
    first: where one of those above differs, the result does not fit, and all of its bits do.
    """
    value, amount = Value.cast(value), Value.cast(amount)
    sign, over = value[-1], Const(0)
    differ = value[:-1] ^ sign.replicate(len(value) - 1)
    for step in reversed(range(len(amount))):
        if step == min(2, len(amount) - 1):
            differ, sign, over, amount = (
                delay(m, now, 1, name=f"{name}_{part}")
                for part, now in (("half", differ), ("sign1", sign), ("over1", over), ("amount", amount))
            )
        keep = bits - 1 + (2 << step) - 1
        differ, over = differ[:keep], over | differ[keep:].any()
        differ = Mux(amount[step], differ >> (1 << step), differ)
    cut, sign, over = (
        delay(m, now, 1, name=f"{name}_{part}")
        for part, now in (
            ("cut", differ[: bits - 1]),
            ("sign2", sign),
            ("over2", over | differ[bits - 1 :].any()),
        )
    )
    ones = over.replicate(bits - 1)
    return Cat((cut | ones) ^ sign.replicate(bits - 1), sign).as_signed()


PART_BITS = 17
"""Bits of an unsigned number, without the sign, that the multiplier of an FPGA takes."""


def multiply(m: Module, left: Value, right: Value, *, name: str) -> Signal:
    """The product, whole, two cycles later.

    Factors that are wider than the multipliers of an FPGA are cut into parts: the first register is behind
    the products of the parts, the second behind their sum. Products that lie beside each other in it, as
    those of the two lowest and of the two next parts, are one number already.
    """

    def parts(value: Value) -> list[Value]:
        value = Value.cast(value)
        extra = int(value.shape().signed)
        cuts = range(0, max(len(value) - extra, 1), PART_BITS)
        pieces = [value[start : start + PART_BITS] for start in cuts]
        pieces[-1] = value[cuts[-1] :]
        return [*pieces[:-1], pieces[-1].as_signed() if extra else pieces[-1]]

    left, right = Value.cast(left), Value.cast(right)
    total = Signal((left * right).shape(), name=name, reset_less=True)
    diagonals: dict[int, list[Signal]] = {}
    for i, high in enumerate(parts(left)):
        for j, low in enumerate(parts(right)):
            product = Signal((high * low).shape(), name=f"{name}_part{i}{j}", reset_less=True)
            m.d.sync += product.eq(high * low)
            diagonals.setdefault(i - j, []).append(product)
    products: Value = Const(0)
    for place, diagonal in diagonals.items():
        beside = Cat(diagonal)
        number = beside.as_signed() if diagonal[-1].shape().signed else beside
        products = products + (number << PART_BITS * abs(place))
    m.d.sync += total.eq(products)
    return total


def tree(
    m: Module, values: Sequence[Value], combine: Callable[[Value, Value], Value], *, name: str, every: int = 2
) -> tuple[Value, int]:
    """Combine values pairwise, with a register after every ``every`` levels and at the end.

    Returns:
        The result and its latency in cycles (at least 1).
    """
    level = latency = 0
    values = [Value.cast(value) for value in values]
    while True:
        if len(values) > 1:
            pairs = [combine(*values[i : i + 2]) for i in range(0, len(values) - 1, 2)]
            values = pairs + values[2 * len(pairs) :]
            level += 1
        last = len(values) == 1
        if last or level % every == 0:
            latency += 1
            registers = [
                Signal(v.shape(), name=f"{name}_{latency}_{i}", reset_less=True) for i, v in enumerate(values)
            ]
            m.d.sync += [register.eq(value) for register, value in zip(registers, values, strict=True)]
            values = registers
        if last:
            return values[0], latency


def add(left: Value, right: Value) -> Value:
    """Sum, one bit wider."""
    return left + right


def less(left: Value, right: Value) -> Value:
    """left < right, of one shape: a carry chain gives the sign of their difference without more gates."""
    return (left - right)[-1]


def maximum(left: Value, right: Value) -> Value:
    """The larger of two values of one shape."""
    larger = Mux(less(right, left), left, right)
    return larger.as_signed() if left.shape().signed else larger


def ceil_log2(count: int) -> int:
    """Bits that hold the numbers 0..count − 1, at least one, so that size-1 parameters have a signal."""
    return max(1, (count - 1).bit_length())


ACTIVATION = signed(9)
"""A lane that enters the array: int8, uint8 and masked zeros alike."""
ACCUMULATOR = signed(32)
