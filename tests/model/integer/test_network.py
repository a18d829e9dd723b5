"""Whole networks against a second reading of ``run``, one number at a time."""

from dataclasses import replace
from itertools import chain

import numpy as np
import pytest

from hw.contract.isa import Prologue, Stationary
from model.integer.network import IntegerNetwork, Layer, run
from model.networks import DeiTConfig
from model.quantise import patchify, quantise
from model.synthetic import synthetic_checkpoint, synthetic_images
from tests.model.integer import reference

CONFIG = DeiTConfig(
    image_size=6, patch=2, in_channels=3, dim=12, depth=2, heads=3, mlp_ratio=2, classes=5, distilled=True
)
IMAGES = 3


@pytest.fixture(scope="module")
def network() -> IntegerNetwork:
    checkpoint = synthetic_checkpoint(CONFIG, seed=3)
    return quantise(checkpoint.state, CONFIG, synthetic_images(CONFIG, 6, seed=4))


@pytest.fixture(scope="module")
def inputs(network: IntegerNetwork) -> np.ndarray:
    return patchify(network, synthetic_images(CONFIG, IMAGES, seed=5).numpy())


def slow_layer(layer: Layer, tensors: dict, stats: dict, tops: dict) -> list[list[int]]:
    """The result of one layer for the tokens that it streams."""
    last = layer.first_token + layer.count if layer.count else None
    streamed = [list(chain(*rows)) for rows in zip(*(tensors[name] for name in layer.inputs), strict=True)]
    streamed = streamed[layer.first_token : last]
    source = layer.inputs[0]
    if layer.prologue == Prologue.NORMALISE:
        entered = [
            [
                reference.normalise(x, *stats[source][layer.first_token + t], int(shift))
                for x, shift in zip(token, layer.channel_shift, strict=True)
            ]
            for t, token in enumerate(streamed)
        ]
    elif layer.prologue == Prologue.EXPONENTIAL:
        entered = [
            [int(layer.exp_table[top - score]) for score in token]
            for token, top in zip(streamed, tops[source], strict=True)
        ]
    else:
        entered = streamed
    weight = layer.weight.tolist() if layer.weight is not None else tensors[layer.stationary_input]
    if layer.stationary == Stationary.VALUES:
        weight = [list(column) for column in zip(*weight, strict=True)]
    low, high = (-32768, 32767) if layer.residual else (-128, 127)
    if layer.out_unsigned and layer.table is None:
        low, high = 0, 255
    result = []
    for token, row in zip(entered, reference.convolve(entered, weight), strict=True):
        if layer.divide:
            row = [reference.divide(acc, sum(token)) for acc in row]
        values = [
            reference.requantise(acc, int(bias), int(mult), int(shift), low, high)
            for acc, bias, mult, shift in zip(row, layer.bias, layer.mult, layer.shift, strict=True)
        ]
        if layer.table is not None:
            values = [int(layer.table[value % 256]) for value in values]
        result.append(values)
    return result


def slow_run(network: IntegerNetwork, image: np.ndarray) -> dict[str, list[list[int]]]:
    tensors = {network.input_name: image.tolist(), network.residual_name: network.residual_init.tolist()}
    stats, tops, results = {}, {}, {}
    for layer in network.layers:
        result = slow_layer(layer, tensors, stats, tops)
        if layer.add:
            whole = [list(token) for token in tensors[layer.output]]
            for t, token in enumerate(result, start=layer.output_token):
                whole[t] = [
                    reference.clamp(a + b, -32768, 32767) for a, b in zip(whole[t], token, strict=True)
                ]
            result = whole
        tensors[layer.output] = result
        if layer.norm is not None:
            stats[layer.output] = [reference.statistics(token, layer.norm) for token in result]
        if layer.row_max:
            tops[layer.output] = [max(token) for token in result]
        results[layer.name] = result
    return results


def test_every_layer_of_a_distilled_network_equals_the_second_reading(network, inputs):
    fast, slow = run(network, inputs[0]), slow_run(network, inputs[0])
    assert list(fast) == list(slow) == [layer.name for layer in network.layers]
    for name, expected in slow.items():
        assert fast[name].tolist() == expected, name
    # The comparison is worth nothing if everything saturates or is zero.
    assert all(len(np.unique(values)) > 4 for values in fast.values())


def test_an_unsigned_result_without_a_table_equals_the_second_reading(network, inputs):
    layers = [
        replace(layer, table=None, out_unsigned=True) if layer.table is not None else layer
        for layer in network.layers
    ]
    changed = replace(network, layers=tuple(layers))
    fast, slow = run(changed, inputs[1]), slow_run(changed, inputs[1])
    assert all(fast[name].tolist() == expected for name, expected in slow.items())


def test_images_together_equal_images_alone(network, inputs):
    together = run(network, inputs)
    for index in range(IMAGES):
        alone = run(network, inputs[index])
        for name, values in alone.items():
            assert np.array_equal(together[name][index], values), name


def test_run_changes_neither_network_nor_image(network, inputs):
    image, init = inputs[0].copy(), network.residual_init.copy()
    run(network, image)
    assert np.array_equal(image, inputs[0])
    assert np.array_equal(network.residual_init, init)
