"""Networks by name: the products that are published, and images that fit."""

import pytest

from pointwise.hw.contract.errors import PointwiseError
from pointwise.model.models.made_up import PICTURES, made_up, made_up_images

PRODUCTS = {
    "resnet20": 40.8e6,
    "resnet18": 1.814e9,
    "resnet34": 3.66e9,
    "resnet50": 4.09e9,
    "mobilenet_v1": 0.569e9,
    "mobilenet_v2": 0.3e9,
    "efficientnet_lite0": 0.385e9,
    "vgg16_bn": 15.47e9,
}
"""Multiply-accumulates of one image, as they are published (EfficientNet-Lite0: its convolutions)."""


def test_every_network_has_its_products() -> None:
    assert PRODUCTS.keys() == PICTURES.keys()


@pytest.mark.parametrize("name", PRODUCTS)
def test_products_are_those_that_are_published(name: str) -> None:
    network = made_up(name)
    assert network.graph.macs == pytest.approx(PRODUCTS[name], rel=0.01)
    images = made_up_images(network, 2, seed=3)
    assert tuple(images.shape) == (2, *network.input_shape)
    assert (images == made_up_images(network, 2, seed=3)).all()


def test_other_names_are_refused() -> None:
    with pytest.raises(PointwiseError, match="no network resnet19; choose one of resnet20"):
        made_up("resnet19")
