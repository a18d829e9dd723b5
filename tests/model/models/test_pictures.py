"""Which operators modules become."""

import pytest
import torch

from pointwise.model.graph.ops import Conv2d, Linear
from pointwise.model.models.pictures import PictureBuilder

STATE = {"stem.weight": torch.ones(4, 3, 2, 2), "one.weight": torch.ones(5, 4, 1, 1)}


@pytest.mark.parametrize(
    ("more", "kind", "size"),
    [
        ({}, Linear, (3, 4)),
        ({"padding": (1, 0, 0, 0)}, Conv2d, (4, 4)),
        ({"padding": (0, 0, 0, 1)}, Conv2d, (3, 5)),
        ({"padding": (1, 1, 1, 1)}, Conv2d, (5, 6)),
        ({"stride": (2, 1)}, Conv2d, (2, 4)),
        ({"stride": (1, 2)}, Conv2d, (3, 2)),
    ],
)
def test_a_kernel_of_one_pixel_is_a_linear_layer_where_each_pixel_gives_one(more, kind, size) -> None:
    build = PictureBuilder(STATE, (6, 8))
    stem = build.stem("stem", None, (2, 2), (0, 0, 0, 0))
    build.conv("one", stem, None, **more)
    assert isinstance(build.ops[-1], kind)
    assert build.sizes["one"] == size
