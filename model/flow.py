"""The whole way in five lines: load, calibrate, quantise, save the image, evaluate.

A thin face of ``model.checkpoints``, ``model.quantise``, ``model.compiler`` and ``model.evaluate``, which do
the work and have more to offer.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from torch import Tensor

from pointwise.hw.contract.config import CoreConfig
from pointwise.hw.contract.errors import PointwiseError
from pointwise.model.checkpoints import MICRO_DIGITS, Checkpoint, load_checkpoint
from pointwise.model.compiler import Compiled, compile_network, write
from pointwise.model.deit import DeiT
from pointwise.model.evaluate import Evaluation, evaluate
from pointwise.model.graph import Graph
from pointwise.model.quantise import quantise
from pointwise.model.quantise.observe import check_images
from pointwise.model.quantise.recipe import Recipe, load_recipe


class Flow:
    """One network on its way to a core; the steps are called in order.

    Attributes:
        name: of the network. checkpoint: its float weights.
        network: its integers, once ``quantise`` has made them. compiled: its image, once there is one.
    """

    def __init__(self, checkpoint: Checkpoint, name: str) -> None:
        self.checkpoint, self.name = checkpoint, name
        self._calibration: Tensor | None = None
        self._network: Graph | None = None
        self.compiled: Compiled | None = None

    @classmethod
    def load(cls, checkpoint: str | Path = MICRO_DIGITS) -> Flow:
        """Take the weights of a checkpoint, see ``load_checkpoint``; those of the micro-DeiT unless given."""
        return cls(load_checkpoint(checkpoint), Path(checkpoint).resolve().stem)

    def calibrate(self, images: np.ndarray | Tensor) -> None:
        """Take the images by which ranges are chosen: (B, colours, S, S), normalised; about 100.

        Raises:
            PointwiseError: they do not fit the network.
        """
        net = DeiT.from_state(self.checkpoint.config, self.checkpoint.state)
        self._calibration = check_images(images, net, "calibration")

    def quantise(self, recipe: Recipe | str | Path | None = None) -> Graph:
        """Make the integers.

        Args:
            recipe: how, as a ``Recipe`` or the path of one in TOML; the best we know unless given.

        Raises:
            PointwiseError: nothing was calibrated, or as ``model.quantise.quantise`` and ``load_recipe``.
        """
        if self._calibration is None:
            raise PointwiseError(
                f"The network {self.name} has no calibration images; call calibrate() first."
            )
        recipe = load_recipe(recipe) if isinstance(recipe, str | Path) else recipe
        state, config = self.checkpoint.state, self.checkpoint.config
        self._network = quantise(state, config, self._calibration, name=self.name, recipe=recipe)
        return self._network

    @property
    def network(self) -> Graph:
        if self._network is None:
            raise PointwiseError(f"The network {self.name} has no integers yet; call quantise() first.")
        return self._network

    def save_image(self, folder: str | Path, **core: int) -> dict[str, Path]:
        """Compile for a core and write the image, raw and as hex, with manifest and configuration.

        Args:
            core: fields of ``CoreConfig`` (``rows=8, cols=8``); its defaults for the others.

        Returns:
            The paths by file name.

        Raises:
            PointwiseError: nothing was quantised, the network does not fit, or a file cannot be written.
        """
        self.compiled = compile_network(self.network, CoreConfig(**core))
        return write(self.compiled, Path(folder))

    def evaluate(self, images: np.ndarray | Tensor, labels: np.ndarray | None = None) -> Evaluation:
        """Compare the integers with the float network on images, as ``pointwise.model.evaluate.evaluate``."""
        return evaluate(self.network, self.checkpoint.state, self.checkpoint.config, images, labels)
