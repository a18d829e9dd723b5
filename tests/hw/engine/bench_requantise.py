"""Requantisation and softmax's division, group by group, against the integer model."""

import cocotb
import numpy as np
from driver import assert_equal, generator, pack_fields, play, start

from pointwise.hw.contract.config import MAX_CHANNELS, CoreConfig
from pointwise.hw.contract.stream import PLANES
from pointwise.hw.contract.timing import PARAMETER_BANKS
from pointwise.hw.engine.requantise import Requantise
from pointwise.hw.engine.tags import RECIPROCAL
from pointwise.model.integer.interpolation import RECIPROCAL_INPUT_BITS, reciprocal
from pointwise.model.integer.requantise import requantise
from pointwise.model.integer.rounding import INT8, INT16, UINT8
from pointwise.model.integer.softmax import divide
from pointwise.sim.bench import bench_config
from pointwise.sim.lanes import pack_rows, unpack_rows

ROUNDS, CYCLES = 8, 400
LIMITS = (INT8, UINT8, INT16)


def planes(bias: np.ndarray, mult: np.ndarray, shift: np.ndarray) -> np.ndarray:
    """(8, C) bytes as ``pointwise.hw.contract.stream`` lays them out."""
    rows = [bias >> 8 * byte & 255 for byte in range(4)] + [mult & 255, mult >> 8, shift, 0 * shift]
    return np.stack(rows)


def accumulators(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """int32 of every magnitude, the extremes among them."""
    values = rng.integers(-(1 << 31), 1 << 31, shape) >> rng.integers(0, 32, shape)
    extremes = rng.choice(np.array([-(1 << 31), (1 << 31) - 1, -1, 0, 1]), shape)
    return np.where(rng.random(shape) < 0.1, extremes, values)


def unwritten(rng: np.random.Generator, cycles: int, cols: int) -> dict[str, np.ndarray]:
    """What stands on the write port of the parameters in cycles that write nothing: anything."""
    return {
        "parameters_write": np.zeros(cycles, np.int64),
        "parameters_bank": rng.integers(0, PARAMETER_BANKS, cycles),
        "parameters_plane": rng.integers(0, PLANES, cycles),
        "parameters_data": rng.integers(0, 256, (cycles, cols)),
    }


def random_parameters(rng: np.random.Generator, cols: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Biases, multipliers and shifts of all banks, each (banks, C): any, and such that single steps show."""
    shape = (PARAMETER_BANKS, cols)
    bias, mult = accumulators(rng, shape), rng.integers(0, 1 << 16, shape)
    mult[rng.random(shape) < 0.1] = 65535
    telling = np.log2(np.maximum(mult, 2)).astype(np.int64) + rng.integers(0, 8, shape)
    shift = np.where(rng.random(shape) < 0.5, np.clip(telling, 1, 47), rng.integers(1, 48, shape))
    shift.flat[:2] = 1, 47
    return bias, mult, shift


async def write(dut, rng: np.random.Generator, parameters: tuple[np.ndarray, ...]) -> None:
    """Write the parameters of all banks, in every other cycle."""
    data = np.concatenate([planes(*bank) for bank in zip(*parameters, strict=True)])
    written = np.arange(2 * len(data)) % 2 == 0
    writes = unwritten(rng, len(written), data.shape[1])
    writes["parameters_write"] = written.astype(int)
    writes["parameters_bank"][written] = np.arange(len(data)) // PLANES
    writes["parameters_plane"][written] = np.arange(len(data)) % PLANES
    writes["parameters_data"][written] = data
    await play(dut, writes | {"parameters_data": pack_rows(writes["parameters_data"], 8)}, [])


def dividends(rng: np.random.Generator, lanes: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Accumulators (cycles, P), whether they are divided, and by what, the extremes among them."""
    acc, divided = accumulators(rng, (CYCLES, lanes)), rng.integers(0, 2, CYCLES)
    most = 255 * MAX_CHANNELS
    total = np.maximum(rng.integers(0, most + 1, CYCLES) >> rng.integers(0, RECIPROCAL_INPUT_BITS, CYCLES), 1)
    total[:4] = 1, 2, most, 1 << 19
    bound = 128 * total[:, None]
    acc = np.where(divided[:, None] == 1, np.clip(acc, -bound, bound), acc)
    divided[4:8], total[4:8] = 1, most
    acc[4:8] = np.array([-128, 127, -128, 127])[:, None] * total[4:8, None]  # all values at an end
    return acc, divided, total


@cocotb.test()
async def equals_the_model(dut):
    config = CoreConfig(**bench_config())
    inputs = ["acc", "bank", "group", "divide", "reciprocal", "limits"]
    await start(dut, ["parameters_write", *inputs])
    rng = generator()
    for _ in range(ROUNDS):
        await one_round(dut, rng, config)


async def one_round(dut, rng: np.random.Generator, config: CoreConfig) -> None:
    """Parameters of all banks, then groups one a cycle, each with its own bank, divisor and limits."""
    cols, lanes = config.cols, config.post_lanes
    bias, mult, shift = random_parameters(rng, cols)
    await write(dut, rng, (bias, mult, shift))
    acc, divided, total = dividends(rng, lanes)
    bank, group = rng.integers(0, PARAMETER_BANKS, CYCLES), rng.integers(0, config.groups, CYCLES)
    limits = rng.integers(0, 3, CYCLES)
    mantissa, leading = reciprocal(total)
    idle = unwritten(rng, CYCLES, cols)
    result = await play(
        dut,
        idle
        | {
            "parameters_data": pack_rows(idle["parameters_data"], 8),
            "acc": pack_rows(acc, 32),
            "bank": bank,
            "group": group,
            "divide": divided,
            "reciprocal": pack_fields(RECIPROCAL, mult=mantissa, leading=leading),
            "limits": limits,
        },
        ["result", "next_bytes"],
        after=Requantise.LATENCY,
    )
    got = unpack_rows(result["result"][Requantise.LATENCY :], lanes, 16, signed=True)
    channel = group[:, None] * lanes + np.arange(lanes)
    base = np.where(divided[:, None] == 1, divide(acc, total), acc)
    parameters = [value[bank[:, None], channel] for value in (bias, mult, shift)]
    want = np.stack([requantise(base, *parameters, limit) for limit in LIMITS])[limits, np.arange(CYCLES)]
    assert_equal("result", got, want)
    early = unpack_rows(result["next_bytes"][Requantise.LATENCY - 1 : -1], lanes, 8, signed=False)
    assert_equal("next_bytes", early, want & 255)
