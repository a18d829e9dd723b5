"""Convolutional networks without weights against the networks that quantisation makes."""

import dataclasses

import numpy as np
import pytest

import pointwise as pw
from pointwise.hw.contract.config import CoreConfig
from pointwise.hw.contract.errors import PointwiseError
from pointwise.model.compiler.codegen import generate
from pointwise.model.estimate import Memory, simulate
from pointwise.model.estimate.weightless_graph import weightless_graph
from pointwise.model.graph.ops import Conv2d, Linear
from pointwise.model.models.made_up import PICTURES, made_up, made_up_images
from pointwise.sim.weightless import named_weightless

CORE = CoreConfig(act_kib=1536)
NUMBERS = {"pad_value", "add_factor", "add_shift"}
"""Fields that follow from the numbers in a network."""


@pytest.mark.parametrize("name", ["resnet20", "mobilenet_v2"])
def test_the_program_is_the_one_of_the_network(name: str) -> None:
    """Instruction by instruction, and cycle by cycle."""
    real = made_up(name)
    network = pw.quantise(pw.calibrate(real, made_up_images(real, 1)))
    ours = generate(weightless_graph(made_up(name, None).graph), CORE).instructions
    theirs = generate(network, CORE).instructions
    assert len(ours) == len(theirs)
    for one, other in zip(ours, theirs, strict=True):
        assert type(one) is type(other)
        fields = [field.name for field in dataclasses.fields(one)]
        assert {key for key in fields if getattr(one, key) != getattr(other, key)} <= NUMBERS
    assert simulate(ours, CORE, Memory()) == simulate(theirs, CORE, Memory())


@pytest.mark.parametrize("name", sorted(PICTURES))
def test_weightless_networks_hold_no_numbers(name: str) -> None:
    network = weightless_graph(made_up(name, None).graph)
    network.check()
    for op in network.ops:
        if isinstance(op, Linear | Conv2d):
            assert isinstance(op.weight, np.ndarray)
            assert not any(op.weight.strides)


def test_shapes_are_those_of_the_weights() -> None:
    drawn, shapes = made_up("mobilenet_v1"), made_up("mobilenet_v1", None)
    assert [repr(op) for op in drawn.graph.ops] == [repr(op) for op in shapes.graph.ops]


def test_a_name_that_nobody_has() -> None:
    with pytest.raises(PointwiseError, match=r"no network 'resnet19'; choose one of .*deit_base.*vgg16_bn"):
        named_weightless("resnet19")


def test_a_name_of_handwriting_needs_no_images() -> None:
    assert named_weightless("mobilenet_v1_quarter").name == "mobilenet_v1_quarter"
