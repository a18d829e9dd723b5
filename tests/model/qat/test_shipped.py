"""The ResNet-20 of four bits that ships: its integers, its accuracy, and that the core's are the same."""

import numpy as np
import pytest

from pointwise.hw.contract.config import CoreConfig
from pointwise.hw.contract.errors import PointwiseError
from pointwise.model import handwriting
from pointwise.model.compiler import compile_network
from pointwise.model.emulator import Emulator
from pointwise.model.evaluate import integer_logits
from pointwise.model.graph import Graph, run
from pointwise.model.graph.ops import Activation
from pointwise.model.qat import QatRecipe
from pointwise.model.qat.places import weighted
from pointwise.model.quantise import load_network, patchify
from pointwise.model.train_pictures import FOLDER, TRAINABLE

FLOAT = 98.8
"""Top-1 in per cent of the network that it was trained from, which ``test_train_pictures`` looks at."""


@pytest.fixture(scope="module")
def network() -> Graph:
    return load_network(FOLDER / "resnet20_w4a4.safetensors")


def installed() -> bool:
    try:
        handwriting.load()
    except PointwiseError:
        return False
    return True


def test_weights_and_what_they_are_multiplied_with_have_four_bits(network: Graph) -> None:
    layers = list(weighted(network))
    assert {op.weight_bits for op in layers} == {4} and max(np.abs(op.weight).max() for op in layers) == 7
    read = [network[op.inputs[0]] for op in layers]
    assert {op.bits for op in read if isinstance(op, Activation)} == {4}
    assert sum(isinstance(op, Activation) for op in read) == len(layers) - 2, "all but the image and the mean"
    notes = network.info["training"]
    aware = TRAINABLE["resnet20"].aware
    assert notes["training"]["seed"] == aware.seed == 0 and notes["training"]["epochs"] == 3
    recipe = QatRecipe(activation_bits=4)
    assert all(notes[key] == getattr(recipe, key) for key in ("weights", "activations", "activation_bits"))


def test_the_core_computes_the_same(network: Graph) -> None:
    core = CoreConfig(rows=16, cols=16, max_tokens=1024, act_kib=64, res_kib=16)
    image = np.random.default_rng(4).normal(size=(1, 1, handwriting.SIDE, handwriting.SIDE))
    compiled, rows = compile_network(network, core, True), patchify(network, image)[0]
    output = compiled.read_output(Emulator(compiled.image, core).run(compiled.pack_input(rows)))
    expected = run(network, rows)
    assert len(output) > 30
    assert np.array_equal(output[network.output], expected[network.output])


@pytest.mark.skipif(not installed(), reason="run make real")
def test_it_loses_less_than_seven_tenths_of_a_point(network: Graph) -> None:
    held_out = handwriting.load().held_out
    right = 100 * np.mean(integer_logits(network, held_out.normalised()).argmax(1) == held_out.labels)
    print(f"{right:.2f} %")
    assert right >= FLOAT - 0.7
