"""Layers with more channels than one instruction can say: heads of many classes."""

import numpy as np
import pytest

import pointwise as pw
from pointwise.hw.contract.config import MAX_CHANNELS, CoreConfig
from pointwise.hw.contract.errors import PointwiseError
from pointwise.model.emulator import Emulator
from pointwise.model.graph import Graph, run
from pointwise.model.graph.ops import Activation, Input, Linear
from pointwise.model.quantise import patchify

TOKENS = 3


@pytest.mark.parametrize(
    ("rows", "cols", "classes"), [(4, 4, 4097), (8, 4, 2 * MAX_CHANNELS), (4, 8, 9001), (6, 24, 4099)]
)
def test_a_head_of_many_classes_is_made_in_parts(rows: int, cols: int, classes: int) -> None:
    rng = np.random.default_rng(classes)
    weights = rng.normal(size=(16, 10)), rng.normal(size=(classes, 16))
    ops = (
        Input("in", shape=(TOKENS, 10), dtype="float"),
        Linear("body", ("in",), weights[0], rng.normal(size=16)),
        Linear("head", ("body",), weights[1], rng.normal(size=classes)),
    )
    source = pw.load(Graph("wide", ops, "head"))
    inputs = rng.normal(size=(8, TOKENS, 10)).astype(np.float32)
    network = pw.quantise(pw.calibrate(source, inputs))
    core = CoreConfig(rows=rows, cols=cols, max_tokens=16, act_kib=16, res_kib=128)
    compiled = pw.compile(network, core)
    program = compiled.manifest["instructions"]
    parts = [one for one in program if one["name"] == "head"]
    assert len(parts) == -(-classes // (MAX_CHANNELS // cols * cols))
    row = patchify(network, inputs[:1])[0]
    output = Emulator(compiled.image, compiled.config).run(compiled.pack_input(row))
    assert np.array_equal(compiled.read_output(output)["head"], run(network, row)["head"])


def test_a_function_of_so_many_channels_is_refused() -> None:
    rng = np.random.default_rng(0)
    ops = (
        Input("in", shape=(TOKENS, 10), dtype="float"),
        Linear("wide", ("in",), rng.normal(size=(4100, 10)), rng.normal(size=4100)),
        Activation("act", ("wide",), function="gelu"),
        Linear("head", ("act",), rng.normal(size=(5, 4100)), rng.normal(size=5)),
    )
    inputs = rng.normal(size=(4, TOKENS, 10)).astype(np.float32)
    network = pw.quantise(pw.calibrate(pw.load(Graph("wide", ops, "head")), inputs))
    with pytest.raises(PointwiseError, match="N = 4100 channels, one convolution takes 4096"):
        pw.compile(network, rows=8, cols=8, max_tokens=16)
