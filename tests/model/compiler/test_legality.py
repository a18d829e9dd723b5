"""What is not legal never leaves the compiler, and is told with the name of its layer."""

from dataclasses import replace

import numpy as np
import pytest

from pointwise.hw.contract.config import CoreConfig
from pointwise.hw.contract.errors import PointwiseError
from pointwise.model.compiler import compile_network
from pointwise.model.compiler.legality import check_program
from pointwise.model.compiler.random_network import random_network
from pointwise.model.compiler.shapes import Shape
from pointwise.model.graph import Graph, Op

CONFIG = CoreConfig(rows=4, cols=4, max_tokens=16)
SHAPE = Shape(tokens=6, inputs=5, dim=20, depth=1, heads=2, head_dim=3, hidden=9, classes=4)
NETWORK = random_network(1, SHAPE)
NORM = NETWORK["blocks.0.fc1.norm"]


def changed(op: Op, **values: object) -> Graph:
    """The network with one operator changed."""
    return NETWORK.changed({op.name: replace(op, **values)})


def with_constants(**values: int) -> Graph:
    """The network with other constants of one LayerNorm."""
    return changed(NORM, constants=replace(NORM.constants, **values))


def with_channels(n: int, k: int) -> Graph:
    """The network with a patch embedding of other sizes."""
    zeros = np.zeros(n, np.int64)
    return changed(
        NETWORK["patch"], weight=np.zeros((n, k), np.int8), bias=zeros, mult=zeros, shift=zeros + 1
    )


@pytest.mark.parametrize(
    ("network", "message"),
    [
        (with_constants(mean_shift=8), "has mean_shift = 8, but 9 to 63 is possible"),
        (with_constants(norm_shift=27), "has norm_shift = 27, but 0 to 26 is possible"),
        (with_constants(norm_shift=63), "has norm_shift = 63"),
        (
            with_constants(mean_mult=65535, mean_shift=16),
            r"takes 65535 · 2\^-16 for 1/20, which is too large",
        ),
        (with_constants(epsilon=-1), "has epsilon = -1"),
        (with_channels(0, 5), "Linear patch has no channels; give it at least one"),
        (with_channels(20, 0), "patch has weight of the shape"),
        (changed(NETWORK["image"], shape=(0, 5)), "Input image has the shape .* at least one token"),
        (changed(NETWORK["image"], shape=(6, 0)), "Input image has the shape .* one channel"),
        (changed(NETWORK["blocks.0.softmax.1"], table=np.zeros(255, int)), "table of the shape .255,."),
        (changed(NETWORK["blocks.0.scores.0"], dtype="uint8"), "expects int8 in blocks.0.scores.0"),
        (changed(NETWORK["blocks.0.scores.0"], dtype="int16"), "expects int8 in blocks.0.scores.0"),
    ],
)
def test_a_network_that_is_not_legal_is_told(network: Graph, message: str):
    with pytest.raises(PointwiseError, match=message) as caught:
        compile_network(network, CONFIG)
    assert "\n" not in str(caught.value)


def test_more_tokens_than_any_core_takes():
    shape = replace(SHAPE, dim=2, heads=1, head_dim=1, hidden=1, tokens=1025)
    with pytest.raises(
        PointwiseError, match=r"1025 tokens, .*; no core takes more than 1024, so use a smaller"
    ):
        compile_network(random_network(0, shape), CONFIG)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"tokens": 17}, r"layer patch cannot be run: a CONV has tokens = 17; expected 1\.\.16, quantise"),
        ({"stream_beats": 1}, "layer patch cannot be run: its instruction has a stream of 1 beats"),
        ({"in_tile_stride": 1 << 16}, "in_tile_stride = 65536; expected 0"),
    ],
)
def test_instructions_are_checked_with_the_name_of_their_layer(fields: dict, message: str):
    lines = compile_network(NETWORK, CONFIG).program
    check_program(lines, CONFIG)
    other = [
        replace(line, instruction=replace(line.instruction, **fields)) if line.name == "patch" else line
        for line in lines
    ]
    with pytest.raises(PointwiseError, match=message):
        check_program(other, CONFIG)
