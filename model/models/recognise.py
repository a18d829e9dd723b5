"""Which convolutional network a checkpoint is of, by its names and shapes, in the layouts people have."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from pointwise.hw.contract.errors import PointwiseError
from pointwise.model.checkpoints.files import Source, read_source
from pointwise.model.frontends.graph import GraphNetwork
from pointwise.model.images.preprocessing import IMAGENET_MEAN, IMAGENET_STD, Preprocessing, plain
from pointwise.model.real import efficientnet

from .efficientnet_lite import efficientnet_lite
from .mobilenet import PREFIX, mobilenet_v1
from .mobilenet_v2 import mobilenet_v2
from .renaming import HUGGING_FACE_RESNET, renamed
from .resnet import LARGE_STEM, resnet
from .timm_inverted import is_lite, timm_inverted
from .vgg import vgg

SIZE, SMALL_SIZE = 224, 32
"""Sides of the images where nobody says: of large ones, and of a ResNet whose stem is for small ones."""
State = Mapping[str, Tensor]


@dataclass(frozen=True)
class Pictured:
    """A convolutional network out of a checkpoint.

    Attributes:
        source: of real numbers. layout: the library whose names it had, and the kind, for people.
        preprocessing: of its images. guess: why that is a guess; None where the file says it.
        class_names: of the results, in their order, where they are known.
    """

    source: GraphNetwork
    layout: str
    preprocessing: Preprocessing
    guess: str | None
    class_names: tuple[str, ...] | None = None


@dataclass(frozen=True)
class _Kind:
    """A family in one library's names.

    Attributes:
        name: for people. key: a tensor that only it has. build: the network of tensors, size, name, and of
            the description beside them.
        images: how it wants its images unless the file says.
    """

    name: str
    key: str
    build: Callable[[State, tuple[int, int], str, Mapping[str, Any]], GraphNetwork]
    images: Callable[[State], Preprocessing]


def _imagenet(state: State) -> Preprocessing:
    return Preprocessing(SIZE, 256, "bilinear", mean=IMAGENET_MEAN, std=IMAGENET_STD)


def _halves(state: State) -> Preprocessing:
    return Preprocessing(SIZE, 256, mean=(0.5,) * 3, std=(0.5,) * 3)


def _of_timm(state: State) -> Preprocessing:
    return _halves(state) if is_lite(state) else _imagenet(state)


def _of_resnet(state: State) -> Preprocessing:
    stem = state["conv1.weight"]
    return _imagenet(state) if stem.shape[-1] == LARGE_STEM else plain(SMALL_SIZE, int(stem.shape[1]))


def _timm(state: State, size: tuple[int, int], name: str, config: Mapping[str, Any]) -> GraphNetwork:
    architecture = config.get("architecture")
    same = architecture.startswith("tf_") if isinstance(architecture, str) else None
    return timm_inverted(state, size, name, same)


KINDS = (
    _Kind(
        "Hugging Face's ResNet",
        "resnet.embedder.embedder.convolution.weight",
        lambda state, size, name, config: resnet(renamed(state, HUGGING_FACE_RESNET), size, name),
        _imagenet,
    ),
    _Kind(
        "Hugging Face's MobileNet-V1",
        f"{PREFIX}.conv_stem.convolution.weight",
        lambda state, size, name, config: mobilenet_v1(state, size, name),
        _halves,
    ),
    _Kind(
        "EfficientNet-Lite of efficientnet_lite_pytorch",
        "_conv_stem.weight",
        lambda state, size, name, config: efficientnet_lite(state, size, name),
        lambda state: efficientnet.PREPROCESSING,
    ),
    _Kind("timm's MobileNet-V2 or EfficientNet-Lite", "blocks.0.0.conv_dw.weight", _timm, _of_timm),
    _Kind(
        "torchvision's or timm's ResNet",
        "layer1.0.conv1.weight",
        lambda state, size, name, config: resnet(state, size, name),
        _of_resnet,
    ),
    _Kind(
        "torchvision's MobileNet-V2",
        "features.1.conv.0.0.weight",
        lambda state, size, name, config: mobilenet_v2(state, size, name),
        _imagenet,
    ),
    _Kind(
        "torchvision's VGG",
        "classifier.6.weight",
        lambda state, size, name, config: vgg(state, size, name),
        _imagenet,
    ),
)
"""In the order in which they are tried."""


def convolutional(path: str | Path, name: str | None = None, ema: bool = False) -> Pictured | None:
    """The convolutional network of a checkpoint, or None where it is of none that is known.

    Args:
        path: as ``read_source`` takes it. name: of the network; the file's unless given.
        ema: as ``read_source`` takes it.

    Raises:
        PointwiseError: the file cannot be read, a tensor is missing or of no use, or a network of a known
            kind has something that the core does not know.
    """
    found = read_source(path, ema)
    kind = next((kind for kind in KINDS if kind.key in found.tensors), None)
    if kind is None:
        return None
    state = _checked(found)
    preprocessing, guess = _preprocessing(found, kind, state)
    try:
        source = kind.build(
            state,
            (preprocessing.size, preprocessing.size),
            name or Path(path).resolve().stem,
            found.config or {},
        )
    except PointwiseError as error:
        raise PointwiseError(f"{path}, taken for {kind.name}: {error}") from error
    return Pictured(source, kind.name, preprocessing, guess, _class_names(found))


def usual_preprocessing(state: State) -> Preprocessing:
    """How the images of a network with these tensors are prepared where nobody says it.

    Raises:
        StopIteration: it is of none that is known.
    """
    return next(kind for kind in KINDS if kind.key in state).images(state)


def _checked(found: Source) -> dict[str, Tensor]:
    """Tensors in float32, finite; counts of batches are left out."""
    state = {}
    for key, tensor in found.tensors.items():
        if not isinstance(tensor, Tensor) or str(key).endswith("num_batches_tracked"):
            continue
        if not tensor.is_floating_point():
            raise PointwiseError(
                f"In the checkpoint {found.path}, {key} is {tensor.dtype}, but weights must be "
                "floating-point tensors; save the float network."
            )
        state[key] = tensor.detach().to(torch.float32)
        if not bool(torch.isfinite(state[key]).all()):
            raise PointwiseError(
                f"In the checkpoint {found.path}, values of {key} are not finite; fetch it again."
            )
    return state


def _preprocessing(found: Source, kind: _Kind, state: State) -> tuple[Preprocessing, str | None]:
    stated = found.description.get("preprocessing")
    if isinstance(stated, dict):
        return Preprocessing.from_dict(stated), None
    return kind.images(state), f"the usual one of {kind.name}, as the checkpoint does not say"


def _class_names(found: Source) -> tuple[str, ...] | None:
    names = found.description.get("class_names")
    return tuple(map(str, names)) if isinstance(names, list) else None
