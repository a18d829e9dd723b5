"""VGG against a module put together here, whose classifier reads all of the last picture."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import nn

from pointwise.hw.contract.errors import PointwiseError
from pointwise.model.graph.ops import Conv2d, MaxPool
from pointwise.model.models.vgg import vgg


def test_the_graph_is_the_module() -> None:
    torch.manual_seed(1)
    layers: list[nn.Module] = []
    given = 3
    for width, count in ((3, 2), (4, 1), (5, 1), (4, 2), (3, 1)):
        for _ in range(count):
            layers += [nn.Conv2d(given, width, 3, padding=1), nn.BatchNorm2d(width), nn.ReLU()]
            given = width
        layers.append(nn.MaxPool2d(2))
    features = nn.Sequential(*layers).eval()
    sizes = (given * 49, 11, 7, 5)
    linears = [nn.Linear(k, n) for k, n in pairwise(sizes)]
    classifier = nn.Sequential(
        linears[0], nn.ReLU(), nn.Dropout(), linears[1], nn.ReLU(), nn.Dropout(), linears[2]
    ).eval()
    state = nn.ModuleDict({"features": features, "classifier": classifier}).state_dict()
    network = vgg(state, (224, 224))
    images = torch.randn(2, 3, 224, 224)
    with torch.inference_mode():
        want = classifier(features(images).flatten(1)).double().numpy()
    assert np.abs(network.results(images) - want).max() < 1e-4 * np.abs(want).max()
    assert sum(isinstance(op, MaxPool) for op in network.graph.ops) == 5
    whole = network.graph["classifier.0"]
    assert isinstance(whole, Conv2d) and whole.window.kernel == (7, 7)


def test_other_sizes_and_networks_are_refused() -> None:
    with pytest.raises(PointwiseError, match="224 by 224 pixels, not 64 by 64"):
        vgg({}, (64, 64))
    with pytest.raises(PointwiseError, match="lacks features or classifier"):
        vgg({}, (224, 224))
