"""Trees, rounding, saturation and delays against NumPy and the integer model."""

import cocotb
import numpy as np
from driver import assert_equal, generator, play, start
from primitive_units import COUNTS, DELAYS, FACTORS, LIMITS, SHIFTED_BITS

from pointwise.hw.contract.timing import tree_latency
from pointwise.hw.engine.primitives import SHIFT_CYCLES
from pointwise.model.integer.rounding import round_shift, saturate
from pointwise.sim.lanes import pack_rows, unpack_rows

CYCLES = 1000
BITS = 20


@cocotb.test()
async def trees(dut):
    rng = generator()
    values = rng.integers(-128, 128, (CYCLES, max(COUNTS)))
    values = np.where(rng.random((CYCLES, 1)) < 0.1, rng.choice([-128, 127], (CYCLES, 1)), values)
    kinds = {
        "sum": (14, True, 2, lambda part: part.sum(axis=1)),
        "max": (8, True, 1, lambda part: part.max(axis=1)),
        "unsigned": (8, False, 3, lambda part: (part & 255).max(axis=1)),
    }
    inputs = {"trees_values": pack_rows(values, 8)}
    await start(dut, inputs)
    outputs = [f"trees_{kind}{count}" for kind in kinds for count in COUNTS]
    seen = await play(dut, inputs, outputs, after=10)
    for kind, (bits, signed, every, function) in kinds.items():
        for count in COUNTS:
            words = seen[f"trees_{kind}{count}"][tree_latency(count, every) :][:CYCLES]
            got = unpack_rows(words, 1, bits, signed=signed)[:, 0]
            assert_equal(f"{kind} of {count}", got, function(values[:, :count]))


@cocotb.test()
async def scalars(dut):
    rng = generator()
    values = rng.integers(-(1 << BITS - 1), 1 << BITS - 1, CYCLES) >> rng.integers(0, BITS, CYCLES)
    edges = [limit + side for low, high, _ in LIMITS.values() for limit in (low, high) for side in (-1, 0, 1)]
    edges = [edge for edge in edges if -(1 << BITS - 1) <= edge < 1 << BITS - 1]
    values[: len(edges)] = edges
    amounts = rng.integers(0, 32, CYCLES)
    inputs = {"scalars_value": pack_rows(values[:, None], BITS), "scalars_amount": amounts}
    await start(dut, inputs)
    names = ["rounded", *LIMITS, "byte0", "byte1"]
    names += [f"shifted{bits}" for bits in SHIFTED_BITS] + [f"delay{cycles}" for cycles in DELAYS]
    seen = await play(dut, inputs, [f"scalars_{name}" for name in names], after=max(DELAYS))

    def signal(name: str, bits: int, signed: bool = True, late: int = 0) -> np.ndarray:
        return unpack_rows(seen[f"scalars_{name}"][late:][:CYCLES], 1, bits, signed=signed)[:, 0]

    # round_half_up is the second half of round_shift: its caller has shifted by one bit less.
    assert_equal("rounded", signal("rounded", BITS), round_shift(values, amounts + 1))
    for name, (low, high, shape) in LIMITS.items():
        assert_equal(name, signal(name, shape.width, shape.signed), saturate(values, low, high))
    for is_unsigned, (low, high) in enumerate(((-128, 127), (0, 255))):
        assert_equal(f"byte{is_unsigned}", signal(f"byte{is_unsigned}", 9), saturate(values, low, high))
    for bits in SHIFTED_BITS:
        expected = saturate(values >> amounts, -(1 << bits - 1), (1 << bits - 1) - 1)
        assert_equal(f"shifted to {bits} bits", signal(f"shifted{bits}", bits, late=SHIFT_CYCLES), expected)
    for cycles in DELAYS:
        assert_equal(f"delay by {cycles}", signal(f"delay{cycles}", BITS, late=cycles), values)


@cocotb.test()
async def products(dut):
    rng = generator()

    def factors(shape) -> np.ndarray:
        low = -(1 << shape.width - 1) if shape.signed else 0
        high = low + (1 << shape.width) - 1
        values = rng.integers(low, high + 1, CYCLES) >> rng.integers(0, shape.width, CYCLES)
        return np.where(rng.random(CYCLES) < 0.1, rng.choice([low, high, 0], CYCLES), values)

    pairs = {name: [factors(shape) for shape in shapes] for name, shapes in FACTORS.items()}
    inputs = {
        f"products_{name}_{side}": pack_rows(values[:, None], shape.width)
        for name in FACTORS
        for side, values, shape in zip(("left", "right"), pairs[name], FACTORS[name], strict=True)
    }
    await start(dut, inputs)
    seen = await play(dut, inputs, [f"products_{name}" for name in FACTORS], after=2)
    for name, (left, right) in pairs.items():
        bits = sum(shape.width for shape in FACTORS[name]) + 1
        got = unpack_rows(seen[f"products_{name}"][2:][:CYCLES], 1, bits, signed=True)[:, 0]
        assert_equal(f"{name} product", got, left * right)
