"""LayerNorms that are written back, as those before CLIP's blocks and behind BERT's: channel by channel,
on whole cores, every tensor compared."""

import numpy as np
import pytest

from pointwise.model.engine import fuse
from pointwise.model.engine.op import Diagonal, Normalise
from pointwise.model.graph import Graph, Op
from pointwise.model.graph.ops import Add, Constant, Input, LayerNorm, Linear
from pointwise.model.integer.layernorm import NormConstants
from pointwise.sim.fuzz import run_network
from tests.sim.system.cores import FEW, SHAPES, simulator
from tests.slow import few

TOKENS, CHANNELS = 13, 37
NORM = NormConstants(56680, 21, 30000, 6, 40)
"""1/37, and √37 over a step of 1/77."""


def network(seed: int) -> Graph:
    """A stream, normalised and written back as another one, as bytes, and normalised again with a branch."""
    rng = np.random.default_rng(seed)

    def layer(name: str, source: str, weight: np.ndarray, dtype: str, ratio: float) -> Linear:
        n = len(weight)
        factors = {"mult": rng.integers(1 << 14, 1 << 16, n), "shift": np.full(n, 16 - round(np.log2(ratio)))}
        bias = rng.integers(-3000, 3000, n)
        return Linear(name, (source,), weight.astype(np.int8), bias, **factors, dtype=dtype)

    def written_back(name: str, source: str, dtype: str, ratio: float) -> tuple[Op, Op]:
        shift = rng.integers(0, 4, CHANNELS) * (rng.random(CHANNELS) < 0.3)
        weight = np.diag(rng.choice([-128, -3, 1, 90, 127], CHANNELS))
        norm = f"{name}.norm"
        return LayerNorm(norm, (source,), NORM, shift), layer(name, norm, weight, dtype, ratio)

    ops: list[Op] = [
        Input("image", shape=(TOKENS, CHANNELS)),
        Constant("start", values=rng.integers(-2000, 2000, (TOKENS, CHANNELS))),
        layer("embed", "image", rng.integers(-128, 128, (CHANNELS, CHANNELS)), "int16", 1 / 32),
        Add("x", ("start", "embed")),
        *written_back("stream", "x", "int16", 0.5),
        *written_back("bytes", "stream", "int8", 1 / 64),
        layer("branch", "bytes", rng.integers(-128, 128, (CHANNELS, CHANNELS)), "int16", 1 / 64),
        Add("y", ("stream", "branch")),
        *written_back("result", "y", "int16", 0.5),
    ]
    return Graph("normalised", tuple(ops), "result")


@pytest.mark.parametrize("shape", few(SHAPES, FEW))
def test_written_back(shape: str) -> None:
    graph = network(7)
    by_name = {op.name: op for op in fuse(graph)}
    for name in ("stream", "bytes", "result"):
        assert isinstance(by_name[name].stationary, Diagonal)
        assert isinstance(by_name[name].prologue, Normalise)
    outcome = run_network(simulator(shape), SHAPES[shape], graph, 1, {"latency": 20})
    assert not outcome.mismatches and outcome.tensors == len(by_name)
