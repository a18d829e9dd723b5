"""Records the diagrams of docs/reading_the_waves.md: signals inside of a small core that runs two layers."""

from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path

import numpy as np

import pointwise as pw
from pointwise.hw.contract.registers import Cause
from pointwise.sim.build import Build
from pointwise.sim.system.run import run_core
from pointwise.sim.system.testbench import build_core
from pointwise.sim.system.views import BENCH, CORE

from .trace import sampled
from .wavejson import Row, Samples, diagram

CONFIG = pw.CoreConfig(
    rows=2,
    cols=2,
    max_tokens=16,
    act_kib=1,
    act_banks=1,
    res_kib=1,
    axi_data_width=32,
    axi_burst=4,
    stream_beats=16,
)
"""A core whose array is small enough to be followed."""
TOKENS, CHANNELS = 6, 4
SIGNALS = {
    "requests_valid": "engine.streamer.requests__valid",
    "requests_ready": "engine.streamer.requests__ready",
    "issue": "engine.token_issue.issue",
    "ends": "engine.token_issue.ends",
    "cause": "engine.token_issue.cause",
    "prologue_valid": "engine.prologue.valid",
    "prologue_out_valid": "engine.prologue.out_valid",
    "array_swap": "engine.array.swap",
    "array_valid": "engine.accumulator.valid",
    "sums_first": "engine.accumulator.first",
    "sums_last": "engine.accumulator.last",
    "sums_token": "engine.accumulator.token",
    "fifo_valid": "engine.accumulator.output__valid",
    "fifo_ready": "engine.epilogue.popped",
    "group_issue": "engine.epilogue.issue",
    "write_valid": "engine.epilogue.act_write__valid",
    "conv_done": "engine.conv_done",
}
"""Paths below the core, by the names in the diagrams."""


def network() -> pw.Graph:
    """Two linear layers, of which the second reads what the first has written."""
    from pointwise.model.graph.ops import Input, Linear

    rng = np.random.default_rng(0)
    weights = [rng.normal(size=(CHANNELS, CHANNELS)) / 2 for _ in range(2)]
    ops = (
        Input("in", shape=(TOKENS, CHANNELS), dtype="float"),
        Linear("one", ("in",), weights[0], rng.normal(size=CHANNELS)),
        Linear("two", ("one",), weights[1], rng.normal(size=CHANNELS)),
    )
    source = pw.load(pw.Graph("two_layers", ops, "two"))
    return pw.quantise(pw.calibrate(source, rng.normal(size=(8, TOKENS, CHANNELS)).astype(np.float32)))


@cache
def simulator() -> Build:
    """The core, able to write waves in the format that can be read here."""
    return build_core(CONFIG, waves="vcd", optimise="-O0")


def waves() -> Path:
    """The wave file of one input."""
    compiled = pw.compile(network(), CONFIG)
    rows = np.arange(TOKENS * CHANNELS, dtype=np.int8).reshape(TOKENS, CHANNELS)
    path = run_core(simulator(), compiled, [compiled.pack_input(rows)]).waves
    assert path is not None  # the simulator was built to write them
    return path


def record_inside(path: Path) -> dict[str, str]:
    """The diagrams as WaveJSON, by name, of a wave file that ``waves`` gave."""
    wanted = {name: f"{CORE}.{place}" for name, place in SIGNALS.items()}
    samples = sampled(path, f"{BENCH}.clk", wanted)
    return {
        name: diagram(title, groups, samples, place(samples))
        for name, (title, groups, place) in INSIDE.items()
    }


def _first(samples: Samples, name: str, start: int = 0, value: int = 1) -> int:
    return samples[name].index(value, start)


def _tile(samples: Samples) -> range:
    """From the request of the first token to its sum."""
    begin = _first(samples, "requests_valid")
    return range(begin - 1, _first(samples, "fifo_valid", begin) + 3)


def _wait(samples: Samples) -> range:
    """Around the end of the first convolution, for whose result the second waits."""
    end = _first(samples, "ends")
    return range(end - 3, _first(samples, "issue", end + 1) + 3)


def _result(samples: Samples) -> range:
    """From the first sums in the FIFO to the end of the convolution."""
    begin = _first(samples, "fifo_valid")
    return range(begin - 1, _first(samples, "conv_done", begin) + 2)


_CAUSE = Row("cause", words=tuple(cause.name for cause in Cause), state=True)
_DONE = Row("conv_done", state=True)

INSIDE: Mapping[str, tuple[str, Mapping[str, list[Row]], Callable[[Samples], range]]] = {
    "tile": (
        "Two tiles of six tokens, from their requests to their sums",
        {
            "requests": [Row("requests_valid"), Row("requests_ready")],
            "": [Row("issue"), _CAUSE],
            "prologue": [Row("prologue_valid"), Row("prologue_out_valid")],
            "array": [Row("array_swap"), Row("array_valid")],
            "sums": [Row(f"sums_{name}", "array_valid") for name in ("first", "last", "token")],
            "fifo": [Row("fifo_valid"), Row("fifo_ready")],
        },
        _tile,
    ),
    "wait": (
        "A wait: the second convolution reads what the first one writes",
        {"": [Row("issue"), Row("ends"), _CAUSE, Row("write_valid"), _DONE]},
        _wait,
    ),
    "result": (
        "Results: from the FIFO of sums to the activation SRAM",
        {"": [Row("fifo_valid"), Row("fifo_ready"), Row("group_issue"), Row("write_valid"), _DONE]},
        _result,
    ),
}
"""Title, rows and cycles of each diagram."""
