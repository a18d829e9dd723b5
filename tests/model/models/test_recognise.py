"""Checkpoints of convolutional networks as they lie on disk: names of each library, and what is around."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch
from torch import Tensor, nn
from transformers import (
    MobileNetV1Config,
    MobileNetV1ForImageClassification,
    ResNetConfig,
    ResNetForImageClassification,
)

import pointwise as pw
from pointwise.hw.contract.errors import PointwiseError
from pointwise.model.checkpoints import METADATA_KEY, MICRO_DIGITS
from pointwise.model.images.preprocessing import plain
from pointwise.model.models.recognise import convolutional
from pointwise.model.models.timm_inverted import timm_inverted
from tests.model.models.norms import lively
from tests.model.models.test_efficientnet_lite import EfficientNetLite
from tests.model.models.test_mobilenet_v2 import MobileNetV2
from tests.model.models.test_resnet import ResNet

State = dict[str, Tensor]


def timm_names_of_lite(state: State) -> State:
    """Of efficientnet_lite_pytorch's tensors those that timm has."""
    stages = (1, 2, 1, 2, 2, 1, 1)
    places = [(stage, index) for stage, count in enumerate(stages) for index in range(count)]

    def name(key: str) -> str:
        match = re.match(r"_blocks\.(\d+)\.(.+)", key)
        if not match:
            outer = {"_conv_stem": "conv_stem", "_bn0": "bn1", "_conv_head": "conv_head", "_bn1": "bn2"}
            head, _, rest = key.partition(".")
            return f"{outer.get(head, 'classifier')}.{rest}"
        stage, index = places[int(match[1])]
        first = {"_depthwise_conv": "conv_dw", "_bn1": "bn1", "_project_conv": "conv_pw", "_bn2": "bn2"}
        later = {"_expand_conv": "conv_pw", "_bn0": "bn1", "_depthwise_conv": "conv_dw", "_bn1": "bn2"}
        later |= {"_project_conv": "conv_pwl", "_bn2": "bn3"}
        part, _, rest = match[2].partition(".")
        return f"blocks.{stage}.{index}.{(first if stage == 0 else later)[part]}.{rest}"

    return {name(key): tensor for key, tensor in state.items()}


def timm_names_of_mobilenet(state: State) -> State:
    """Of torchvision's MobileNet-V2's tensors those that timm has."""
    counts = (1, 2, 3, 4, 3, 3, 1)
    places = [(stage, index) for stage, count in enumerate(counts) for index in range(count)]
    outer = {"features.0.0": "conv_stem", "features.0.1": "bn1", "features.18.0": "conv_head"}
    outer |= {"features.18.1": "bn2", "classifier.1": "classifier"}
    first = {"conv.0.0": "conv_dw", "conv.0.1": "bn1", "conv.1": "conv_pw", "conv.2": "bn2"}
    later = {"conv.0.0": "conv_pw", "conv.0.1": "bn1", "conv.1.0": "conv_dw", "conv.1.1": "bn2"}
    later |= {"conv.2": "conv_pwl", "conv.3": "bn3"}

    def name(key: str) -> str:
        module, _, rest = key.rpartition(".")
        if module in outer:
            return f"{outer[module]}.{rest}"
        match = re.match(r"features\.(\d+)\.(.+)", module)
        assert match
        stage, index = places[int(match[1]) - 1]
        return f"blocks.{stage}.{index}.{(first if stage == 0 else later)[match[2]]}.{rest}"

    return {name(key): tensor for key, tensor in state.items()}


def same(state: State) -> State:
    return dict(state)


def hugging_face_resnet() -> nn.Module:
    config = ResNetConfig(
        embedding_size=6, hidden_sizes=[6, 8], depths=[1, 2], layer_type="basic", num_labels=5
    )
    return ResNetForImageClassification(config)


def hugging_face_mobilenet() -> nn.Module:
    return MobileNetV1ForImageClassification(MobileNetV1Config(depth_multiplier=0.125, num_labels=5))


CASES: list[tuple[str, Callable[[], nn.Module], Callable[[State], State], int]] = [
    ("torchvision's or timm's ResNet", lambda: ResNet((6, 8), 7, False), same, 224),
    ("torchvision's or timm's ResNet", lambda: ResNet((4, 6), 7, True), same, 224),
    ("torchvision's or timm's ResNet", lambda: ResNet((4, 6), 3, False), same, 32),
    ("torchvision's MobileNet-V2", MobileNetV2, same, 224),
    ("timm's MobileNet-V2 or EfficientNet-Lite", MobileNetV2, timm_names_of_mobilenet, 224),
    ("timm's MobileNet-V2 or EfficientNet-Lite", EfficientNetLite, timm_names_of_lite, 224),
    ("EfficientNet-Lite of efficientnet_lite_pytorch", EfficientNetLite, same, 224),
    ("Hugging Face's ResNet", hugging_face_resnet, same, 224),
    ("Hugging Face's MobileNet-V1", hugging_face_mobilenet, same, 224),
]


@pytest.mark.parametrize(
    "layout, make, names, side", CASES, ids=[f"{case[0]} {i}" for i, case in enumerate(CASES)]
)
def test_a_checkpoint_gives_what_its_module_gives(
    layout: str, make: Callable[[], nn.Module], names: Callable[[State], State], side: int, tmp_path: Path
) -> None:
    torch.manual_seed(4)
    net = lively(make()).eval()
    images = torch.randn(2, 3, side, side)
    with torch.inference_mode():
        want = net(images)
        want = getattr(want, "logits", want).double().numpy()
    state = names(net.state_dict())
    wrapped = {"epoch": 3, "state_dict": {f"module.{key}": tensor for key, tensor in state.items()}}
    torch.save(wrapped, tmp_path / "net.pth")
    safetensors.torch.save_file(
        {key: tensor.contiguous() for key, tensor in state.items()}, tmp_path / "net.safetensors"
    )
    for path in (tmp_path / "net.pth", tmp_path / "net.safetensors"):
        found = convolutional(path)
        assert found is not None and found.layout == layout and found.guess
        assert found.source.name == "net" and found.preprocessing.size == side
        assert np.abs(found.source.results(images) - want).max() < 1e-4 * np.abs(want).max()
    assert pw.load(tmp_path / "net.pth").input_shape == (3, side, side)


def test_the_description_beside_timms_weights_tells_the_padding(tmp_path: Path) -> None:
    torch.manual_seed(4)
    state = timm_names_of_lite(lively(EfficientNetLite()).eval().state_dict())
    path = tmp_path / "model.safetensors"
    safetensors.torch.save_file({key: tensor.contiguous() for key, tensor in state.items()}, path)
    images = torch.randn(1, 3, 224, 224)
    padded = {}
    for architecture in ("tf_efficientnet_lite0", "efficientnet_lite0"):
        (tmp_path / "config.json").write_text(json.dumps({"architecture": architecture}))
        found = convolutional(tmp_path)
        assert found is not None
        padded[architecture] = found.source.results(images)
    assert np.array_equal(
        padded["tf_efficientnet_lite0"], timm_inverted(state, (224, 224), "x").results(images)
    )
    assert not np.allclose(*padded.values())


def test_a_description_of_ours_tells_size_and_classes(tmp_path: Path) -> None:
    net = ResNet((4, 6), 3, False)
    told = {"preprocessing": plain(28).to_dict(), "class_names": list("abcde")}
    path = tmp_path / "net.safetensors"
    state = {key: tensor.half().contiguous() for key, tensor in net.state_dict().items()}
    safetensors.torch.save_file(state, path, {METADATA_KEY: json.dumps(told)})
    found = convolutional(path, "mine")
    assert found is not None and found.guess is None and found.class_names == ("a", "b", "c", "d", "e")
    assert found.source.name == "mine" and found.source.input_shape == (3, 28, 28)


def test_other_checkpoints_are_left_to_others() -> None:
    assert convolutional(MICRO_DIGITS) is None


@pytest.mark.parametrize(
    "change, sentence",
    [
        ({"layer1.0.bn1.weight": None}, r"taken for torchvision's or timm's ResNet: .*lacks layer1\.0\.bn1"),
        ({"fc.weight": torch.full((5, 6), torch.nan)}, r"values of fc\.weight are not finite"),
        ({"fc.weight": torch.zeros((5, 6), dtype=torch.int8)}, r"fc\.weight is torch\.int8"),
    ],
)
def test_what_is_wrong_with_a_file_is_said(change: dict, sentence: str, tmp_path: Path) -> None:
    state = {**ResNet((4, 6), 3, False).state_dict(), **change}
    path = tmp_path / "net.pth"
    torch.save({key: tensor for key, tensor in state.items() if tensor is not None}, path)
    with pytest.raises(PointwiseError, match=sentence):
        convolutional(path)


def test_gates_and_missing_stages_are_refused() -> None:
    state = timm_names_of_lite(EfficientNetLite().state_dict())
    with pytest.raises(PointwiseError, match=r"blocks\.1\.0\.se\.conv_reduce.* multiplies channels"):
        timm_inverted({**state, "blocks.1.0.se.conv_reduce.weight": torch.zeros(1)}, (64, 64), "x")
    less = {key: tensor for key, tensor in state.items() if not key.startswith("blocks.6.")}
    with pytest.raises(PointwiseError, match="6 stages of blocks, where 7 were expected"):
        timm_inverted(less, (64, 64), "x")
