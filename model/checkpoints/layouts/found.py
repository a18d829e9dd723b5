"""What a layout makes of a file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from pointwise.model.images.preprocessing import Preprocessing
from pointwise.model.networks import LAYER_NORM_EPS, DeiTConfig


@dataclass(frozen=True)
class Found:
    """Tensors by the authors' names, and what else the layout says; nothing of it is checked yet.

    Attributes:
        state: tensors; what has no counterpart keeps its own name, so that it is told by it.
        config: the network, where the file describes all of it.
        heads: attention heads, where they are told. norm_eps: LayerNorm's epsilon.
        stated: further dimensions that are told, by the names of `DeiTConfig` (and ``hidden``).
        preprocessing: makes the preprocessing for the network, where the layout knows it.
        guessed: why that preprocessing is a guess; None where a file says it.
        class_names: of the logits. notes: as in `Checkpoint`.
    """

    state: dict[str, Any]
    config: DeiTConfig | None = None
    heads: int | None = None
    norm_eps: float = LAYER_NORM_EPS
    stated: dict[str, Any] = field(default_factory=dict)
    preprocessing: Callable[[DeiTConfig], Preprocessing] | None = None
    guessed: str | None = None
    class_names: tuple[str, ...] | None = None
    notes: dict[str, Any] = field(default_factory=dict)
