"""``pointwise.hw.contract.timing`` against the hardware that it speaks of."""

import gc
import warnings
from collections.abc import Iterator

import pytest
from amaranth.hdl import UnusedElaboratable

from pointwise.hw.bus.reader import IN_FLIGHT_BEATS, outstanding_bursts
from pointwise.hw.contract import timing
from pointwise.hw.contract.config import PRESETS, CoreConfig
from pointwise.hw.contract.timing import Timing
from pointwise.hw.control.program import DISPATCH_CYCLES, DISPATCH_PERIOD, DMA_QUEUE
from pointwise.hw.engine import engine, sram, table, walker
from pointwise.hw.engine.accumulator import REVISIT_CYCLES, Accumulator
from pointwise.hw.engine.array import SystolicArray
from pointwise.hw.engine.cells import tree_latency
from pointwise.hw.engine.denominator import Denominator
from pointwise.hw.engine.epilogue import RESULT, WRITE, Epilogue
from pointwise.hw.engine.interpolation import Interpolation
from pointwise.hw.engine.layernorm import LayerNormStatistics
from pointwise.hw.engine.prologue import Prologue
from pointwise.hw.engine.requantise import PARAMETER_BANKS, Requantise

CONFIGS = {
    **PRESETS,
    "1x1": CoreConfig(rows=1, cols=1, axi_burst=1),
    "3x6": CoreConfig(rows=3, cols=6, post_lanes=1, max_tokens=40, axi_burst=8),
    "64x16": CoreConfig(rows=64, cols=16, post_lanes=2, max_tokens=1024, axi_data_width=32, axi_burst=64),
}


def test_constants() -> None:
    """Numbers that no configuration changes."""
    assert timing.READ_LATENCY == sram.READ_LATENCY
    assert timing.PROLOGUE == Prologue.LATENCY
    assert timing.ACCUMULATE == Accumulator.LATENCY
    assert timing.INTERPOLATE == Interpolation.LATENCY
    assert timing.REQUANTISE == Requantise.LATENCY
    assert timing.LAYERNORM == LayerNormStatistics.LATENCY
    assert timing.STREAM_REVISIT == REVISIT_CYCLES
    assert timing.WALK_REVISIT == walker.REVISIT_CYCLES
    assert timing.PARAMETER_BANKS == PARAMETER_BANKS
    assert timing.TABLE_BANKS == table.TABLE_BANKS
    assert timing.CONV_QUEUE == engine.QUEUE_DEPTH
    assert timing.DMA_QUEUE == DMA_QUEUE
    assert timing.DISPATCH == DISPATCH_CYCLES
    assert timing.DISPATCH_PERIOD == DISPATCH_PERIOD
    assert timing.IN_FLIGHT_BEATS == IN_FLIGHT_BEATS


@pytest.fixture
def only_asked() -> Iterator[None]:
    """Components are made for what they say of themselves; that they are never elaborated is meant so."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UnusedElaboratable)
        yield
        gc.collect()


@pytest.mark.usefixtures("only_asked")
@pytest.mark.parametrize("name", CONFIGS)
def test_components(name: str) -> None:
    """Every formula gives what the component with that configuration says of itself."""
    config = CONFIGS[name]
    found = Timing(config)
    array, denominator = SystolicArray(config.rows, config.cols), Denominator(config)
    epilogue = Epilogue(config)
    accumulator = Accumulator(config.rows, config.cols, config.max_tokens)
    assert found.array == array.latency
    assert found.denominator == denominator.latency
    assert found.requantised == RESULT
    assert found.write == WRITE
    assert found.done == epilogue.done_latency
    assert found.settle == epilogue.settle
    assert found.exponentials == engine.EXP_END_CYCLES
    assert found.output_tokens == accumulator.depth
    assert found.bursts == outstanding_bursts(config.axi_burst)
    settle = max(0, denominator.latency - array.latency - Accumulator.LATENCY)
    fetch = sram.READ_LATENCY + Prologue.LATENCY
    assert found.to_epilogue == fetch + array.latency + settle + Accumulator.LATENCY


@pytest.mark.parametrize("count", [*range(1, 20), 63, 64, 65])
def test_trees(count: int) -> None:
    """Trees of any number of leaves."""
    assert timing.tree_latency(count) == tree_latency(count)
