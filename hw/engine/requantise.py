"""Requantisation, and softmax's division before it, with the parameters of the output channels."""

from typing import Any

from amaranth.hdl import Array, Cat, Const, Module, Mux, Signal, Value, signed, unsigned
from amaranth.lib import data, enum, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from pointwise.hw.contract.config import CoreConfig
from pointwise.hw.contract.stream import PLANE_MULT, PLANE_SHIFT
from pointwise.hw.contract.timing import PARAMETER_BANKS, REQUANTISE

from .primitives import ACCUMULATOR, all_equal, ceil_log2, delay, multiply, round_half_up, shift_saturate
from .ram import NO_COLLISION
from .tags import RECIPROCAL
from .writes import ParameterWrite

DIVIDEND_BITS = 28
"""Of a sum of exponentials times int8: 128 times the largest row sum, and a sign."""
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
        parameters: of C channels, byte by byte.
        acc: P int32 accumulators.
        bank: whose parameters to use.
        group: which P of the C channels they are.
        divide: they are divided by softmax's denominator.
        reciprocal: of that denominator.
        limits: the clamp.
        result: P lanes, int16 (bytes in the low half, uint8 as 0..255).
        next_bytes: the low half of what ``result`` is in the next cycle.

    Latency: 14 cycles; a group's parameters must stay in their bank for 9. Throughput: P lanes a cycle.
    """

    LATENCY = REQUANTISE

    def __init__(self, config: CoreConfig) -> None:
        self.config = config
        lanes = config.post_lanes
        super().__init__(
            {
                "parameters": In(ParameterWrite(config.cols)),
                "acc": In(data.ArrayLayout(ACCUMULATOR, lanes)),
                "bank": In(range(PARAMETER_BANKS)),
                "group": In(unsigned(ceil_log2(config.groups))),
                "divide": In(1),
                "reciprocal": In(RECIPROCAL),
                "limits": In(Limits),
                "result": Out(data.ArrayLayout(signed(16), lanes)),
                "next_bytes": Out(data.ArrayLayout(unsigned(8), lanes)),
            }
        )

    def _parameter(self, m: Module, name: str, first_plane: int, size: int, stage: int) -> list[Value]:
        """Memory of one parameter of ``size`` bytes; its P values in a register of stage ``stage``."""
        cols, lanes = self.config.cols, self.config.post_lanes
        memory = Memory(shape=unsigned(8 * size * cols), depth=PARAMETER_BANKS, init=[], attrs=NO_COLLISION)
        m.submodules[name] = memory
        writer, reader = memory.write_port(granularity=8), memory.read_port()
        m.d.comb += [
            writer.addr.eq(self.parameters.bank),
            writer.data.eq(Cat(byte for c in range(cols) for byte in [self.parameters.data[c]] * size)),
            reader.addr.eq(delay(m, self.bank, stage - 2, name=f"{name}_bank")),
        ]
        for index in range(size):
            enable = self.parameters.write & (self.parameters.plane == first_plane + index)
            m.d.comb += Cat(writer.en[c * size + index] for c in range(cols)).eq(enable.replicate(cols))
        groups = [
            reader.data[start : start + 8 * size * lanes]
            for start in range(0, 8 * size * cols, 8 * size * lanes)
        ]
        chosen: Any = groups[0]
        if len(groups) > 1:
            chosen = Array(groups)[delay(m, self.group, stage - 1, name=f"{name}_group")]
        return [
            delay(m, chosen[8 * size * lane : 8 * size * (lane + 1)], 1, name=f"{name}_{lane}")
            for lane in range(lanes)
        ]

    def elaborate(self, platform: object) -> Module:
        m = Module()
        bias = self._parameter(m, "bias", 0, PLANE_MULT, 6)
        mult = self._parameter(m, "mult", PLANE_MULT, PLANE_SHIFT - PLANE_MULT, 7)
        shifts = self._parameter(m, "shift", PLANE_SHIFT, 1, 8)
        shift9 = [delay(m, (shift - 1)[:6], 1, name=f"shift9_{lane}") for lane, shift in enumerate(shifts)]
        # The reciprocal comes straight out of a memory, which is no time to multiply by it.
        reciprocal1 = delay(m, self.reciprocal.mult, 1, name="reciprocal1")
        leading1 = delay(m, self.reciprocal.leading, 1, name="leading1")
        leading3 = delay(m, leading1, 2, name="leading3")
        leading4 = delay(m, leading3, 1, name="leading4")
        divide5 = delay(m, self.divide, 5, name="divide5")
        limits12 = delay(m, self.limits, 12, name="limits12")
        low13 = Signal(signed(16), reset_less=True)
        high13 = Signal(signed(16), reset_less=True)
        with m.Switch(limits12):
            with m.Case(Limits.INT8):
                m.d.sync += [low13.eq(-128), high13.eq(127)]
            with m.Case(Limits.UINT8):
                m.d.sync += [low13.eq(0), high13.eq(255)]
            with m.Default():
                m.d.sync += [low13.eq(-32768), high13.eq(32767)]
        for lane in range(self.config.post_lanes):

            def register(value: Value, bits: int, name: str, lane: int = lane) -> Signal:
                signal = Signal(signed(bits), name=f"{name}_{lane}", reset_less=True)
                m.d.sync += signal.eq(value)
                return signal

            acc1 = delay(m, self.acc[lane], 1, name=f"acc_{lane}")
            dividend1 = acc1[:DIVIDEND_BITS].as_signed()
            product3 = multiply(m, dividend1, reciprocal1, name=f"dividend3_{lane}")
            # The shift takes two cycles, the large steps first: the small ones reach 7 bits higher at most.
            coarse4 = register(
                product3 >> (DIVIDE_EXTRA_SHIFT - 1) >> Cat(Const(0, 3), leading3[3:]), 32 + 7, "coarse4"
            )
            quotient5 = register(coarse4 >> leading4[:3], 32, "quotient5")
            acc5 = delay(m, acc1, 4, name=f"acc5_{lane}")
            base6 = register(Mux(divide5, round_half_up(quotient5), acc5), 32, "base6")
            sum7 = register(base6 + bias[lane].as_signed(), 33, "sum7")
            whole9 = multiply(m, sum7, mult[lane], name=f"whole9_{lane}")
            halves11 = shift_saturate(m, whole9, shift9[lane], 17, name=f"halves_{lane}")
            round12 = register(round_half_up(halves11), 17, "round12")
            round13 = register(round12, 17, "round13")
            fits13 = Signal(name=f"fits13_{lane}", reset_less=True)
            with m.Switch(limits12):
                with m.Case(Limits.INT8):
                    m.d.sync += fits13.eq(all_equal(round12[7:]))
                with m.Case(Limits.UINT8):
                    m.d.sync += fits13.eq(~round12[8:].any())
                with m.Default():
                    m.d.sync += fits13.eq(all_equal(round12[15:]))
            clamped = Mux(fits13, round13, Mux(round13 < 0, low13, high13))
            result14 = register(clamped, 16, "result14")
            m.d.comb += [self.result[lane].eq(result14), self.next_bytes[lane].eq(clamped[:8])]
        return m
