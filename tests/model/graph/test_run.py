"""Whole networks against a second reading of ``run``, one number at a time."""

from dataclasses import replace
from itertools import chain

import numpy as np
import pytest

from pointwise.model.frontends import DeiTNetwork
from pointwise.model.graph import Graph, Op, run
from pointwise.model.graph.ops import (
    Activation,
    Add,
    Concat,
    Constant,
    Input,
    LayerNorm,
    Linear,
    MatMul,
    Slice,
    Softmax,
)
from pointwise.model.networks import DeiTConfig
from pointwise.model.quantise import patchify
from pointwise.model.synthetic import synthetic_checkpoint, synthetic_images
from tests.model.integer import reference

CONFIG = DeiTConfig(
    image_size=6, patch=2, in_channels=3, dim=12, depth=2, heads=3, mlp_ratio=2, classes=5, distilled=True
)
IMAGES = 3


@pytest.fixture(scope="module")
def network() -> Graph:
    checkpoint = synthetic_checkpoint(CONFIG, seed=3)
    return DeiTNetwork(CONFIG, checkpoint.state).quantise(synthetic_images(CONFIG, 6, seed=4))


@pytest.fixture(scope="module")
def inputs(network: Graph) -> np.ndarray:
    return patchify(network, synthetic_images(CONFIG, IMAGES, seed=5).numpy())


def slow_op(op: Op, inputs: list[list[list[int]]], dtype: str) -> list[list[int]]:
    """The result of one operator, one number at a time."""
    match op:
        case Constant():
            return op.values.tolist()
        case LayerNorm():
            stats = [reference.statistics(token, op.constants) for token in inputs[0]]
            shifts = op.channel_shift.tolist()
            return [
                [reference.normalise(x, *found, shift) for x, shift in zip(token, shifts, strict=True)]
                for token, found in zip(inputs[0], stats, strict=True)
            ]
        case Softmax():
            return [[int(op.table[max(row) - score]) for score in row] for row in inputs[0]]
        case Activation():
            return [[int(op.table[value % 256]) for value in row] for row in inputs[0]]
        case Add():
            return [
                [reference.clamp(a + b, -32768, 32767) for a, b in zip(*rows, strict=True)]
                for rows in zip(*inputs, strict=True)
            ]
        case Concat():
            return [list(chain(*rows)) for rows in zip(*inputs, strict=True)]
        case Slice():
            return inputs[0][op.first : op.first + op.count]
        case Linear():
            acc = reference.convolve(inputs[0], op.weight.tolist())
        case MatMul():
            right = inputs[1] if op.transposed else [list(column) for column in zip(*inputs[1], strict=True)]
            acc = reference.convolve(inputs[0], right)
            if op.divide:
                pairs = zip(acc, inputs[0], strict=True)
                acc = [[reference.divide(a, sum(row)) for a in sums] for sums, row in pairs]
    low, high = {"int8": (-128, 127), "uint8": (0, 255), "int16": (-32768, 32767)}[dtype]
    return [
        [
            reference.requantise(a, int(bias), int(mult), int(shift), low, high)
            for a, bias, mult, shift in zip(row, op.bias, op.mult, op.shift, strict=True)
        ]
        for row in acc
    ]


def slow_run(network: Graph, image: np.ndarray) -> dict[str, list[list[int]]]:
    results = {}
    for op in network.ops:
        inputs = [results[name] for name in op.inputs]
        given = isinstance(op, Input)
        results[op.name] = image.tolist() if given else slow_op(op, inputs, network.values[op.name].dtype)
    return results


def test_every_operator_of_a_distilled_network_equals_the_second_reading(network, inputs):
    fast, slow = run(network, inputs[0]), slow_run(network, inputs[0])
    assert list(fast) == list(slow) == [op.name for op in network.ops]
    for name, expected in slow.items():
        assert fast[name].tolist() == expected, name
    # The comparison is worth nothing if everything saturates or is zero.
    assert all(len(np.unique(values)) > 4 for values in fast.values())


def test_an_unsigned_result_without_a_table_equals_the_second_reading(network, inputs):
    ops = {}
    for op in network.ops:
        if isinstance(op, Activation):
            hidden, reader = network[op.inputs[0]], network.readers[op.name][0]
            ops |= {
                hidden.name: replace(hidden, dtype="uint8"),
                reader.name: replace(reader, inputs=(hidden.name,)),
            }
    dropped = [op for op in network.changed(ops).ops if not isinstance(op, Activation)]
    changed = replace(network, ops=tuple(dropped))
    fast, slow = run(changed, inputs[1]), slow_run(changed, inputs[1])
    assert len(ops) == 4 and all(fast[name].tolist() == expected for name, expected in slow.items())


def test_images_together_equal_images_alone(network, inputs):
    together = run(network, inputs)
    for index in range(IMAGES):
        for name, values in run(network, inputs[index]).items():
            whole = together[name]
            assert np.array_equal(whole[index] if whole.ndim == 3 else whole, values), name


def test_what_is_not_wanted_is_forgotten_and_the_rest_is_the_same(network, inputs):
    wanted = {network.output, "blocks.0.attn.q.1"}
    some, every = run(network, inputs, wanted), run(network, inputs)
    assert set(some) == wanted
    assert all(np.array_equal(values, every[name]) for name, values in some.items())


def test_run_changes_neither_network_nor_image(network, inputs):
    image, init = inputs[0].copy(), network["x"].values.copy()
    run(network, image)
    assert np.array_equal(image, inputs[0])
    assert np.array_equal(network["x"].values, init)
