"""Small pieces that many units use: delays, rounding, saturation, adder trees, counters' comparisons."""

from collections.abc import Callable, Sequence

from amaranth.hdl import Module, Mux, Shape, Signal, Value, signed


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


def round_half_up(value: Value) -> Value:
    """The second half of ``model.integer.rounding.round_shift``: (value + 1) >> 1.

    The first half is ``value >> (shift − 1)``; a register fits between the two.
    """
    return (value + 1) >> 1


def saturate(value: Value, low: int | Value, high: int | Value, shape: Shape) -> Value:
    """``value`` clamped to low..high and cut to ``shape``."""
    clamped = Mux(value < low, low, Mux(value > high, high, value))
    cut = clamped[: Shape.cast(shape).width]
    return cut.as_signed() if Shape.cast(shape).signed else cut


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


def tree_latency(count: int, every: int = 2) -> int:
    """Latency of ``tree`` over ``count`` values."""
    levels = max(count - 1, 0).bit_length()
    return max(1, -(-levels // every))


def add(left: Value, right: Value) -> Value:
    """Sum, one bit wider."""
    return left + right


def maximum(left: Value, right: Value) -> Value:
    """The larger of two values of one shape."""
    larger = Mux(left > right, left, right)
    return larger.as_signed() if left.shape().signed else larger


def bits_for(count: int) -> int:
    """Bits that hold the numbers 0..count − 1, at least one, so that size-1 parameters have a signal."""
    return max(1, (count - 1).bit_length())


ACTIVATION = signed(9)
"""A lane that enters the array: int8, uint8 and masked zeros alike."""
ACCUMULATOR = signed(32)
