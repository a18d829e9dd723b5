"""Every input of the reciprocal of 18 bits, every beginning of the longer ones; every border and many random
inputs of the reciprocal square root."""

import cocotb
import numpy as np
from driver import assert_equal, generator, play, start

from pointwise.hw.contract.tables import RSQRT_SEGMENTS
from pointwise.hw.engine.interpolation import PiecewiseLinearReciprocal
from pointwise.model.integer.interpolation import (
    RECIPROCAL_INPUT_BITS,
    RSQRT_INPUT_BITS,
    reciprocal,
    reciprocal_sqrt,
)
from pointwise.sim.bench import bench_config

WHOLE_BITS = 18


@cocotb.test()
async def equals_the_model(dut):
    copies = bench_config()["reciprocals"]
    rng = generator()
    # 18 bits are the leading one and a whole fraction; of longer numbers what follows is cut.
    whole = np.arange(1 << WHOLE_BITS)
    longer = []
    for more in range(1, RECIPROCAL_INPUT_BITS - WHOLE_BITS + 1):
        upper = whole[len(whole) // 2 :] << more
        longer.append(upper + rng.integers(0, 1 << more, len(upper)))
    assert longer[-1].max() >> RECIPROCAL_INPUT_BITS - 1 == 1
    parts = np.split(np.concatenate([whole, *longer]), copies)
    values = {f"reciprocal{i}": part for i, part in enumerate(parts)}
    # Both sides of every power of two and of every segment of the table, then every magnitude.
    powers = 1 << np.arange(RSQRT_INPUT_BITS)
    segments = (powers[:, None] * (RSQRT_SEGMENTS + np.arange(RSQRT_SEGMENTS)) // RSQRT_SEGMENTS).ravel()
    borders = np.clip(segments[:, None] + [-1, 0, 1], 0, (1 << RSQRT_INPUT_BITS) - 1).ravel()
    length = len(parts[0]) - len(borders)
    values["root"] = np.concatenate(
        [borders, rng.integers(0, 1 << RSQRT_INPUT_BITS, length) >> rng.integers(0, RSQRT_INPUT_BITS, length)]
    )
    values["root"][0] = (1 << RSQRT_INPUT_BITS) - 1

    inputs = {f"{name}_value": value for name, value in values.items()}
    await start(dut, inputs)
    outputs = [f"{name}_{port}" for name in values for port in ("mult", "leading")]
    seen = await play(dut, inputs, outputs, after=PiecewiseLinearReciprocal.LATENCY)
    for name, value in values.items():
        function = reciprocal_sqrt if name == "root" else reciprocal
        mult, leading = function(np.maximum(value, 1))  # the hardware takes 0 as 1
        assert_equal(f"{name}.mult", seen[f"{name}_mult"][PiecewiseLinearReciprocal.LATENCY :], mult)
        assert_equal(f"{name}.leading", seen[f"{name}_leading"][PiecewiseLinearReciprocal.LATENCY :], leading)
