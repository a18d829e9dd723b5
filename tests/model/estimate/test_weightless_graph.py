"""Convolutional networks without weights against the networks that quantisation makes."""

import dataclasses
from dataclasses import replace

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
from pointwise.model.models.vision import VISION, vision_transformer
from pointwise.model.networks import NETWORKS
from pointwise.model.quantise import LayerConfig, Recipe
from pointwise.sim.trained import TRAINED
from pointwise.sim.weightless import named_weightless
from tests.slow import few

CORE = CoreConfig(act_kib=1536)
NUMBERS = {"pad_value", "add_factor", "add_shift"}
"""Fields that follow from the numbers in a network."""


@pytest.mark.parametrize("name", few(("resnet20", "mobilenet_v2"), ("resnet20",)))
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


@pytest.mark.parametrize("name", VISION)
def test_the_program_of_a_vision_transformer_is_that_of_the_network(name: str) -> None:
    """As many instructions of the same kinds; channel shifts and what they cost follow from the numbers."""
    vision = replace(VISION[name], dim=48, depth=2, heads=3, image_size=2 * VISION[name].patch, results=8)
    real = vision_transformer(vision, name)
    recipe = Recipe(LayerConfig(granularity="tensor"))  # no hidden channels with tables of their own
    network = pw.quantise(pw.calibrate(real, made_up_images(real, 2), recipe=recipe))
    ours, theirs = (generate(one, CORE).instructions for one in (weightless_graph(real.graph), network))
    assert [type(one) for one in ours] == [type(one) for one in theirs]
    cycles = [simulate(one, CORE, Memory()).cycles for one in (ours, theirs)]
    assert abs(cycles[0] / cycles[1] - 1) < 0.005


def test_every_name_that_is_simulated_is_estimated(monkeypatch: pytest.MonkeyPatch) -> None:
    """``pointwise sim --model`` and ``pointwise estimate --model`` know the same names."""
    small = {name: replace(one, depth=1, dim=16, heads=2) for name, one in VISION.items()}
    monkeypatch.setattr("pointwise.model.models.vision.VISION", small)
    for name in sorted({*NETWORKS, *PICTURES, *TRAINED, *VISION}):
        assert named_weightless(name).name == name
    with pytest.raises(PointwiseError) as told:
        named_weightless("none")
    assert all(name in str(told.value) for name in {*NETWORKS, *PICTURES, *TRAINED, *VISION})


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
