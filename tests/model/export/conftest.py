"""Networks that the tests of this folder export."""

import pytest

from pointwise.model.frontends import DeiTNetwork
from pointwise.model.graph import Graph
from pointwise.model.networks import DeiTConfig
from pointwise.model.synthetic import synthetic_checkpoint, synthetic_images

CONFIG = DeiTConfig(
    image_size=8, patch=4, in_channels=3, dim=12, depth=2, heads=3, mlp_ratio=2, classes=5, distilled=True
)


@pytest.fixture(scope="session")
def distilled() -> Graph:
    """A small distilled DeiT in colour."""
    images = synthetic_images(CONFIG, 8, seed=1).numpy()
    return DeiTNetwork(CONFIG, synthetic_checkpoint(CONFIG).state, "small").quantise(images)
