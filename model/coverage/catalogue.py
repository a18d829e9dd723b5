"""What is tried: architectures of timm and torchvision, and how each is made with random weights."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from torch import nn

from pointwise.hw.contract.errors import PointwiseError

from .libraries import LIBRARIES, library

DEPTH = 2
"""Blocks that are left of a transformer: the others are like them."""
MODULES = ("vision_transformer", "deit")
"""Of timm, whose architectures are all tried, up to the size *large*."""
LARGER = ("huge", "giant", "gigantic", "giantopt", "so400m", "1b", "3b")
"""Words of names of what is larger."""
SIZE = 224
"""Pixels of a side, where no library says, and of transformers in place of more than ``LARGEST``."""
LARGEST = 384
"""Beyond, patches are more than the tokens of any core: these are tried with smaller images."""
OTHERS = (
    "resnet18", "resnet26", "resnet34", "resnet50", "resnetv2_50", "resnext50_32x4d", "wide_resnet50_2",
    "mobilenetv1_100", "mobilenetv2_100", "mobilenetv2_140", "mobilenetv3_large_100", "efficientnet_b0",
    "efficientnet_lite0", "mnasnet_100", "regnetx_002", "regnety_002", "repvgg_a0", "vgg11_bn",
    "densenet121", "dla34", "darknet53", "cspresnet50", "convnext_atto", "convnext_tiny", "mixer_s16_224",
    "gmlp_s16_224", "resmlp_12_224", "levit_128", "poolformer_s12", "cait_xxs24_224",
    "xcit_nano_12_p16_224", "pit_ti_224", "swin_tiny_patch4_window7_224", "beit_base_patch16_224",
    "eva02_tiny_patch14_224", "mobilevit_xs", "ghostnet_100", "inception_v3",
)
"""Some of timm's other families, one or two of each, whole."""
WHOLE = ("mobilenet_v2", "alexnet", "googlenet", "inception_v3", "densenet121", "mobilenet_v3_large")
"""Of torchvision, beside those that begin as ``FAMILIES``."""
FAMILIES = (
    "vit_", "resnet", "resnext", "wide_resnet", "vgg", "squeezenet", "shufflenet", "mnasnet", "regnet"
)
MORE = ("convnext_tiny", "efficientnet_b0", "swin_t", "maxvit_t")
HEAVY = ("vit_h_14", "regnet_y_128gf", "regnet_y_32gf", "regnet_x_32gf", "regnet_x_16gf", "regnet_y_16gf")
"""Of torchvision, larger than *large*."""

GROUPS = ("timm, Vision Transformers and DeiT up to large", "timm, other families", "torchvision")


@dataclass(frozen=True)
class Entry:
    """An architecture.

    Attributes:
        library: one of ``LIBRARIES``. name: in it. group: one of ``GROUPS``, which are counted by themselves.
        cut: whether it has two blocks and not all.
    """

    library: str
    name: str
    group: str
    cut: bool

    @property
    def key(self) -> str:
        """``library/name``."""
        return f"{self.library}/{self.name}"

    def build(self) -> tuple[nn.Module, tuple[int, int, int]]:
        """The module, with the library's random weights, and the shape of an image (colours, rows, columns).

        Raises:
            PointwiseError: the library is not installed.
        """
        return BUILDERS[self.library](library(self.library), self.name, self.cut)


def catalogue(words: Iterable[str] = ()) -> list[Entry]:
    """Everything that is tried, in the order of the table.

    Args:
        words: only those with one of them in their ``key``; all unless given.

    Raises:
        PointwiseError: a library is not installed, or no name has one of the words.
    """
    found = [*_of_timm(library("timm")), *_of_torchvision(library("torchvision"))]
    words = tuple(words)
    chosen = [entry for entry in found if not words or any(word in entry.key for word in words)]
    if not chosen:
        raise PointwiseError(
            f"None of the {len(found)} architectures has {' or '.join(map(repr, words))} in its name; give a "
            f"part of one such as {found[0].key}"
        )
    return chosen


def _of_timm(timm: Any) -> list[Entry]:
    transformers = [name for module in MODULES for name in timm.list_models(module=module)]
    large = [name for name in transformers if not set(name.split("_")) & set(LARGER)]
    return [
        *(Entry("timm", name, GROUPS[0], cut=True) for name in large),
        *(Entry("timm", name, GROUPS[1], cut=False) for name in OTHERS),
    ]


def _of_torchvision(torchvision: Any) -> list[Entry]:
    names = torchvision.models.list_models(module=torchvision.models)
    chosen = [
        name
        for name in names
        if (name.startswith(FAMILIES) or name in WHOLE or name in MORE) and name not in HEAVY
    ]
    return [Entry("torchvision", name, GROUPS[2], cut=name.startswith("vit_")) for name in chosen]


def _build_timm(timm: Any, name: str, cut: bool) -> tuple[nn.Module, tuple[int, int, int]]:
    colours, height, width = timm.get_pretrained_cfg(name).input_size
    more = {"depth": DEPTH} if cut else {}
    if cut and max(height, width) > LARGEST:
        height = width = more["img_size"] = SIZE
    return timm.create_model(name, **more), (colours, height, width)


def _build_torchvision(torchvision: Any, name: str, cut: bool) -> tuple[nn.Module, tuple[int, int, int]]:
    more = {"init_weights": True} if name in ("googlenet", "inception_v3") else {}
    module = torchvision.models.get_model(name, weights=None, **more)
    if cut:
        module.encoder.layers = module.encoder.layers[:DEPTH]
    size = 299 if name == "inception_v3" else getattr(module, "image_size", SIZE)
    return module, (3, size, size)


BUILDERS: dict[str, Callable[[Any, str, bool], tuple[nn.Module, tuple[int, int, int]]]] = dict(
    zip(LIBRARIES, (_build_timm, _build_torchvision), strict=True)
)
