"""``pointwise.hw.contract.timing`` against the hardware that it speaks of."""

import gc
import warnings
from collections.abc import Iterator

import pytest
from amaranth.hdl import UnusedElaboratable

from pointwise.hw.contract.config import PRESETS, CoreConfig
from pointwise.hw.contract.timing import Timing
from pointwise.hw.engine.accumulator import Accumulator
from pointwise.hw.engine.epilogue import RESULT, WRITE, Epilogue

CONFIGS = {
    **PRESETS,
    "1x1": CoreConfig(rows=1, cols=1, axi_burst=1),
    "3x6": CoreConfig(rows=3, cols=6, post_lanes=1, max_tokens=40, axi_burst=8),
    "64x16": CoreConfig(rows=64, cols=16, post_lanes=2, max_tokens=1024, axi_data_width=32, axi_burst=64),
}


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
    """A formula gives what the component says of itself whose stages have numbers of their own."""
    config = CONFIGS[name]
    found = Timing(config)
    epilogue = Epilogue(config)
    accumulator = Accumulator(config.rows, config.cols, config.max_tokens)
    assert found.requantised == RESULT
    assert found.write == WRITE
    assert found.done == epilogue.done_latency
    assert found.settle == epilogue.settle
    assert found.output_tokens == accumulator.depth
