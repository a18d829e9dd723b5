"""Requantisation, and softmax's division before it, with the parameters of the output channels."""

from amaranth.hdl import Array, Cat, Module, Mux, Signal, Value, signed, unsigned
from amaranth.lib import data, enum, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from hw.contract.config import CoreConfig
from hw.contract.stream import PLANE_MULT, PLANE_SHIFT, PLANES

from .cells import ACCUMULATOR, bits_for, delay, multiply, round_half_up, shift_saturate
from .ram import NO_COLLISION
from .tags import RECIPROCAL

PARAMETER_BANKS = 4
"""N-tiles whose parameters may be loaded before the epilogue has finished with them."""
DIVIDEND_BITS = 27
DIVIDE_EXTRA_SHIFT = 4
"""16 mantissa bits less the 12 fraction bits that the quotient keeps."""


class Limits(enum.Enum, shape=unsigned(2)):
    """To what the result is clamped."""

    INT8 = 0
    UINT8 = 1
    INT16 = 2


class Requantise(wiring.Component):
    """``model.integer.requantise.requantise`` on P lanes, after ``model.integer.softmax.divide`` where asked
    for.

    Ports:
        plane_write, plane_bank, plane, plane_data: byte plane 0..7 of the parameters of C channels
            (hw.contract.stream).
        acc: P int32 accumulators. bank, group: whose parameters to use. divide, reciprocal: softmax's
            denominator.
        limits: the clamp.
        result: P lanes, int16 (bytes in the low half, uint8 as 0..255).

    Latency: 11 cycles; a group's parameters must stay in their bank for 8. Throughput: P lanes a cycle.
    """

    LATENCY = 11

    def __init__(self, config: CoreConfig) -> None:
        self.config = config
        lanes = config.post_lanes
        super().__init__(
            {
                "plane_write": In(1),
                "plane_bank": In(range(PARAMETER_BANKS)),
                "plane": In(range(PLANES)),
                "plane_data": In(data.ArrayLayout(unsigned(8), config.cols)),
                "acc": In(data.ArrayLayout(ACCUMULATOR, lanes)),
                "bank": In(range(PARAMETER_BANKS)),
                "group": In(unsigned(bits_for(config.groups))),
                "divide": In(1),
                "reciprocal": In(RECIPROCAL),
                "limits": In(Limits),
                "result": Out(data.ArrayLayout(signed(16), lanes)),
            }
        )

    def _parameter(self, m: Module, name: str, first_plane: int, size: int, stage: int) -> list[Value]:
        """Memory of one parameter of ``size`` bytes; its P values in a register of stage ``stage``."""
        cols, lanes = self.config.cols, self.config.post_lanes
        memory = Memory(shape=unsigned(8 * size * cols), depth=PARAMETER_BANKS, init=[], attrs=NO_COLLISION)
        m.submodules[name] = memory
        writer, reader = memory.write_port(granularity=8), memory.read_port()
        m.d.comb += [
            writer.addr.eq(self.plane_bank),
            writer.data.eq(Cat(byte for c in range(cols) for byte in [self.plane_data[c]] * size)),
            reader.addr.eq(delay(m, self.bank, stage - 2, name=f"{name}_bank")),
        ]
        for index in range(size):
            enable = self.plane_write & (self.plane == first_plane + index)
            m.d.comb += Cat(writer.en[c * size + index] for c in range(cols)).eq(enable.replicate(cols))
        groups = [
            reader.data[start : start + 8 * size * lanes]
            for start in range(0, 8 * size * cols, 8 * size * lanes)
        ]
        chosen = groups[0]
        if len(groups) > 1:
            chosen = Array(groups)[delay(m, self.group, stage - 1, name=f"{name}_group")]
        return [
            delay(m, chosen[8 * size * lane : 8 * size * (lane + 1)], 1, name=f"{name}_{lane}")
            for lane in range(lanes)
        ]

    def elaborate(self, platform: object) -> Module:
        m = Module()
        bias = self._parameter(m, "bias", 0, PLANE_MULT, 5)
        mult = self._parameter(m, "mult", PLANE_MULT, PLANE_SHIFT - PLANE_MULT, 6)
        shifts = self._parameter(m, "shift", PLANE_SHIFT, 1, 7)
        shift8 = [delay(m, (shift - 1)[:6], 1, name=f"shift8_{lane}") for lane, shift in enumerate(shifts)]
        # The reciprocal comes straight out of a memory, which is no time to multiply by it.
        reciprocal1 = delay(m, self.reciprocal.mult, 1, name="reciprocal1")
        leading1 = delay(m, self.reciprocal.leading, 1, name="leading1")
        divide_shift = delay(m, leading1 + (DIVIDE_EXTRA_SHIFT - 1), 2, name="divide_shift")
        divide4 = delay(m, self.divide, 4, name="divide4")
        limits10 = delay(m, self.limits, 10, name="limits10")
        low, high = Signal(signed(16)), Signal(signed(16))
        with m.Switch(limits10):
            with m.Case(Limits.INT8):
                m.d.comb += [low.eq(-128), high.eq(127)]
            with m.Case(Limits.UINT8):
                m.d.comb += [low.eq(0), high.eq(255)]
            with m.Default():
                m.d.comb += [low.eq(-32768), high.eq(32767)]
        for lane in range(self.config.post_lanes):

            def register(value: Value, bits: int, name: str, lane: int = lane) -> Signal:
                signal = Signal(signed(bits), name=f"{name}_{lane}", reset_less=True)
                m.d.sync += signal.eq(value)
                return signal

            acc1 = delay(m, self.acc[lane], 1, name=f"acc_{lane}")
            dividend1 = acc1[:DIVIDEND_BITS].as_signed()
            product3 = multiply(m, dividend1, reciprocal1, name=f"dividend3_{lane}")
            quotient4 = register(product3 >> divide_shift, 32, "quotient4")
            acc4 = delay(m, acc1, 3, name=f"acc4_{lane}")
            base5 = register(Mux(divide4, round_half_up(quotient4), acc4), 32, "base5")
            sum6 = register(base5 + bias[lane].as_signed(), 33, "sum6")
            whole8 = multiply(m, sum6, mult[lane], name=f"whole8_{lane}")
            halves9 = shift_saturate(m, whole8, shift8[lane], 17, name=f"halves9_{lane}")
            short10 = register(halves9, 17, "short10")
            rounded = round_half_up(short10)
            result11 = register(Mux(rounded < low, low, Mux(rounded > high, high, rounded)), 16, "result11")
            m.d.comb += self.result[lane].eq(result11)
        return m
