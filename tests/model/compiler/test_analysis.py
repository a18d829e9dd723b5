"""What no core can run is refused in one sentence."""

from dataclasses import replace

import numpy as np
import pytest

from hw.contract.config import CoreConfig
from hw.contract.errors import PointwiseError
from hw.contract.isa import Prologue
from model.compiler.analysis import analyse
from model.compiler.random_network import random_network
from model.compiler.shapes import Shape
from model.integer.network import IntegerNetwork
from model.networks import NETWORKS

CONFIG = CoreConfig(rows=4, cols=4, max_tokens=16)
SHAPE = Shape(tokens=6, inputs=5, dim=7, depth=1, heads=2, head_dim=3, hidden=9, classes=4)
NETWORK = random_network(1, SHAPE)
UNSIGNED = next(layer.in_unsigned for layer in NETWORK.layers if layer.name == "blocks.0.fc2")


def changed(layer_name: str, /, **values: object) -> IntegerNetwork:
    """The network with one layer changed."""
    layers = [replace(layer, **values) if layer.name == layer_name else layer for layer in NETWORK.layers]
    return replace(NETWORK, layers=tuple(layers))


def test_operands_are_resolved_with_their_padding():
    found = analyse(NETWORK, CONFIG)
    proj = next(node for node in found.nodes if node.layer.name == "blocks.0.proj")
    assert (proj.k, proj.n, proj.count) == (4 + 3, 7, 6)
    assert proj.macs == 6 * 6 * 7
    assert sum(node.macs for node in found.nodes) == NETWORK.macs
    assert found.tensors["x", 0].writers == [-1, 0, 11, 13]
    assert found.output == ("logits", 0)


def test_the_macs_of_deit_tiny_are_the_known_number():
    deit = NETWORKS["deit_tiny"]
    found = analyse(random_network(0, Shape.of(deit)), CoreConfig())
    class_token = deit.patch_dim * deit.dim  # a row of zeros that the array multiplies too
    assert sum(node.macs for node in found.nodes) == deit.macs + class_token


@pytest.mark.parametrize(
    ("network", "message"),
    [
        (changed("blocks.0.fc1", inputs=("nothing",)), "reads nothing, which no layer before it writes"),
        (changed("blocks.0.fc1", name="patch"), "two layers are called patch"),
        (changed("blocks.0.fc1", bias=np.zeros(3, int)), "3 biases"),
        (changed("blocks.0.fc1", first_token=4, count=3), "streams tokens 4 to 6"),
        (changed("blocks.0.fc1", prologue=Prologue.PLAIN), "expects int8 in x, which holds int16"),
        (changed("blocks.0.fc2", in_unsigned=not UNSIGNED), "fc2 expects u?int8 in blocks.0.hidden"),
        (changed("patch", norm=None), "not of its last layer with norm constants"),
        (changed("blocks.0.scores.1", row_max=False), "keeps no row maxima"),
        (changed("blocks.0.context.0", prologue=Prologue.PLAIN), "divides by a sum of exponentials"),
        (changed("blocks.0.q.0", add=True), "needs residual = True"),
        (changed("blocks.0.proj", output_token=3), "from token 3 to x"),
        (changed("blocks.0.proj", table=np.zeros(256, int)), "no table"),
        (changed("blocks.0.proj", prologue=Prologue.NORMALISE), "only a plain prologue takes more than one"),
        (replace(NETWORK, output="elsewhere"), "no layer writes elsewhere"),
        (replace(NETWORK, output="image"), "no layer writes image"),
    ],
)
def test_errors_name_the_layer(network: IntegerNetwork, message: str):
    with pytest.raises(PointwiseError, match=message) as caught:
        analyse(network, CONFIG)
    assert "\n" not in str(caught.value)


def test_too_many_tokens_and_channels_are_named_with_what_would_do():
    with pytest.raises(
        PointwiseError, match="6 tokens, the core takes max_tokens = 5; build a core with max_tokens = 6"
    ):
        analyse(NETWORK, CoreConfig(rows=4, cols=4, max_tokens=5))
    wide = random_network(0, replace(SHAPE, hidden=4097))
    with pytest.raises(PointwiseError, match="N = 4097 channels, one convolution takes 4096"):
        analyse(wide, CONFIG)
