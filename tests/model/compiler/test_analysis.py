"""What no core can run is refused in one sentence."""

from dataclasses import replace

import pytest

from pointwise.hw.contract.config import CoreConfig
from pointwise.hw.contract.errors import PointwiseError
from pointwise.model.compiler import compile_network
from pointwise.model.compiler.analysis import analyse
from pointwise.model.compiler.random_network import random_network
from pointwise.model.compiler.shapes import Shape
from pointwise.model.graph import Graph
from pointwise.model.networks import NETWORKS

CONFIG = CoreConfig(rows=4, cols=4, max_tokens=16)
SHAPE = Shape(tokens=6, inputs=5, dim=7, depth=1, heads=2, head_dim=3, hidden=9, classes=4)
NETWORK = random_network(1, SHAPE)


def changed(name: str, /, **values: object) -> Graph:
    """The network with one operator changed."""
    return NETWORK.changed({name: replace(NETWORK[name], **values)})


def test_operands_are_resolved_with_their_padding():
    found = analyse(NETWORK, CONFIG)
    proj = next(node for node in found.nodes if node.op.name == "blocks.0.proj")
    assert (proj.k, proj.n, proj.count) == (4 + 3, 7, 6)
    assert proj.macs == 6 * 6 * 7
    assert sum(node.macs for node in found.nodes) == NETWORK.macs
    # One tensor for the residual stream, whatever its values are called.
    assert found.tensors["x"].writers == [-1, 0, 11, 13]
    assert found.residual == "x" and found.output == "head"


def test_the_macs_of_deit_tiny_are_the_known_number():
    deit = NETWORKS["deit_tiny"]
    found = analyse(random_network(0, Shape.of(deit)), CoreConfig())
    assert sum(node.macs for node in found.nodes) == deit.macs


@pytest.mark.parametrize(
    ("network", "message"),
    [
        (changed("blocks.0.fc1", inputs=("nothing",)), "fc1 reads nothing, which no operator before it"),
        (changed("blocks.0.fc1.norm", name="patch"), "two operators patch"),
        (
            changed("blocks.0.fc1", inputs=("patch.add",)),
            "fc1 expects int8 or uint8 in patch.add, which holds int16",
        ),
        (changed("blocks.0.scores.1", dtype="int16"), "softmax.1 expects int8 in blocks.0.scores.1, which"),
        (replace(NETWORK, output="elsewhere"), "no operator makes elsewhere"),
        (replace(NETWORK, output="image"), "no operation writes image"),
        (replace(NETWORK, output="head.norm"), "no product stores head.norm"),
    ],
)
def test_errors_name_the_operator(network: Graph, message: str):
    with pytest.raises(PointwiseError, match=message) as caught:
        analyse(network, CONFIG)
    assert "\n" not in str(caught.value)


def test_a_network_without_a_residual_stream_has_none():
    given, linear = NETWORK["image"], NETWORK["patch"]
    found = analyse(Graph("plain", (given, replace(linear, dtype="int8")), "patch"), CONFIG)
    assert found.residual is None and found.tensors["patch"].dtype == "int8"
    assert compile_network(Graph("plain", (given, replace(linear, dtype="int8")), "patch"), CONFIG).image


def test_too_many_tokens_and_channels_are_named_with_what_would_do():
    with pytest.raises(
        PointwiseError, match="6 tokens, the core takes max_tokens = 5; build a core with max_tokens = 6"
    ):
        analyse(NETWORK, CoreConfig(rows=4, cols=4, max_tokens=5))
    wide = random_network(0, replace(SHAPE, hidden=4097))
    with pytest.raises(PointwiseError, match="K = 4097 and N = 7 channels, one convolution takes 4096"):
        analyse(wide, CONFIG)
