"""Names of other libraries' modules, brought to those that the builders of graphs know."""

import re
from collections.abc import Mapping, Sequence

from torch import Tensor

Rules = Sequence[tuple[str, str]]
"""Regular expressions for the beginning of a name, and what stands in place of it."""

HUGGING_FACE_RESNET: Rules = (
    (r"resnet\.embedder\.embedder\.convolution\.", "conv1."),
    (r"resnet\.embedder\.embedder\.normalization\.", "bn1."),
    (
        r"resnet\.encoder\.stages\.(\d+)\.layers\.(\d+)\.shortcut\.convolution\.",
        r"layer<\1>.\2.downsample.0.",
    ),
    (
        r"resnet\.encoder\.stages\.(\d+)\.layers\.(\d+)\.shortcut\.normalization\.",
        r"layer<\1>.\2.downsample.1.",
    ),
    (
        r"resnet\.encoder\.stages\.(\d+)\.layers\.(\d+)\.layer\.(\d+)\.convolution\.",
        r"layer<\1>.\2.conv<\3>.",
    ),
    (
        r"resnet\.encoder\.stages\.(\d+)\.layers\.(\d+)\.layer\.(\d+)\.normalization\.",
        r"layer<\1>.\2.bn<\3>.",
    ),
    (r"classifier\.1\.", "fc."),
)
"""Into torchvision's. Numbers in angle brackets are counted from one there."""


def renamed(state: Mapping[str, Tensor], rules: Rules) -> dict[str, Tensor]:
    """The same tensors; the first rule that fits a name is taken, and what none fits keeps its name."""
    return {_renamed(name, rules): tensor for name, tensor in state.items()}


def _renamed(name: str, rules: Rules) -> str:
    for pattern, place in rules:
        made, count = re.subn(f"^{pattern}", place, name, count=1)
        if count:
            return re.sub(r"<(\d+)>", lambda match: str(int(match[1]) + 1), made)
    return name
