"""A small float network for the digits, and images to train it on."""

from dataclasses import replace

import pytest
import torch

from pointwise.model import digits
from pointwise.model.checkpoints import Checkpoint
from pointwise.model.deit import DeiT
from pointwise.model.networks import DeiTConfig

SMALL = DeiTConfig(
    image_size=8, patch=4, in_channels=1, dim=16, depth=2, heads=2, mlp_ratio=2, classes=10, distilled=True
)


@pytest.fixture(scope="session")
def data() -> digits.Digits:
    """The digits, with as few training images as a test needs."""
    whole = digits.load()
    few = digits.DigitImages(whole.train.pixels[:256], whole.train.labels[:256], whole.train.indices[:256])
    return replace(whole, train=few)


@pytest.fixture
def checkpoint() -> Checkpoint:
    """Random weights with LayerNorms that are not neutral, so that folding them shows."""
    with torch.random.fork_rng():
        torch.manual_seed(3)
        net = DeiT(SMALL, init_std=0.2)
        with torch.no_grad():
            for name, parameter in net.named_parameters():
                if "norm" in name:
                    parameter += 0.3 * torch.randn_like(parameter)
    return Checkpoint(SMALL, net.state_dict())
