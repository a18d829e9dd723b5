"""What a checkpoint is, once it has been read."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from torch import Tensor

from pointwise.hw.contract.errors import PointwiseError
from pointwise.model.images.preprocessing import Preprocessing, plain
from pointwise.model.networks import DeiTConfig

METADATA_KEY = "pointwise"
"""The one key under which a checkpoint of ours carries JSON: its network and what belongs to it.

One key, because safetensors does not promise an order among several, and equal checkpoints are to
be equal files.
"""

MICRO_DIGITS = Path(__file__).parents[1] / "checkpoints_data" / "micro_digits.safetensors"
"""The trained micro-DeiT for 8×8 digits that ships with the project (see `model.train`)."""


@dataclass(frozen=True)
class Checkpoint:
    """A network with its weights.

    Attributes:
        config: the network.
        state: its tensors by name, float32, finite, of the shapes `expected_shapes` gives.
        notes: what is worth knowing about the weights, such as the seed that they grew from;
            JSON values by name.
        preprocessing: how the network wants its images, where it is known; ask `prepared` for it.
        preprocessing_error: why what the file says about it cannot be used.
        class_names: of the logits, in their order, where they are known.
        layout: the layout that the file was in, for people to read.
        preprocessing_guess: why the preprocessing is a guess; None where it is known.
    """

    config: DeiTConfig
    state: dict[str, Tensor]
    notes: dict[str, Any] = field(default_factory=dict)
    preprocessing: Preprocessing | None = None
    class_names: tuple[str, ...] | None = None
    layout: str = "Pointwise"
    preprocessing_error: str | None = None
    preprocessing_guess: str | None = None

    def __repr__(self) -> str:
        return f"Checkpoint({self.layout}, {len(self.state)} tensors, {self.config})"

    @property
    def guessed(self) -> str | None:
        """Why `prepared` is a guess, in a few words; None where somebody said it."""
        if self.preprocessing is None:
            return "pixels from -1 to 1, as the checkpoint does not say"
        return self.preprocessing_guess

    @property
    def prepared(self) -> Preprocessing:
        """The preprocessing, or the plain one where the checkpoint says nothing about it.

        Raises:
            PointwiseError: it says something that cannot be used, or that gives images of another size or of
                other colours than the network takes. Only who has images needs to know.
        """
        if self.preprocessing_error is not None:
            raise PointwiseError(self.preprocessing_error)
        size, colours = self.config.image_size, self.config.in_channels
        return (self.preprocessing or plain(size, colours)).made_for(
            size, colours, "The preprocessing that comes with the checkpoint"
        )
