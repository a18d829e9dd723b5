"""A DeiT or ViT whose tensors have the names of the DeiT authors, as checkpoints give it."""

from collections.abc import Callable, Mapping
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from pointwise.model.checkpoints import Checkpoint, check_state
from pointwise.model.deit import DeiT
from pointwise.model.graph import Graph
from pointwise.model.models.deit import deit_graph
from pointwise.model.networks import DeiTConfig
from pointwise.model.quantise.convert import layer_names
from pointwise.model.quantise.deit import build
from pointwise.model.quantise.observe import check_images, observe
from pointwise.model.quantise.recipe import Recipe
from pointwise.model.quantise.records import Observations

from .network import FloatNetwork


class DeiTNetwork(FloatNetwork):
    """A DeiT.

    Args:
        config, state: dimensions, and tensors by name (``pointwise.model.checkpoints``). name: for reports.

    Raises:
        PointwiseError: a tensor is missing, unknown, misshapen or not finite.
    """

    def __init__(self, config: DeiTConfig, state: Mapping[str, Tensor], name: str = "deit") -> None:
        self.name, self.config = name, config
        self.state = check_state(state, config, "to be quantised")
        self.checkpoint: Checkpoint | None = None

    @classmethod
    def of(cls, checkpoint: Checkpoint, name: str) -> "DeiTNetwork":
        """The network of a checkpoint, which stays at hand as ``checkpoint``, with what else it knows."""
        made = cls(checkpoint.config, checkpoint.state, name)
        made.checkpoint = checkpoint
        return made

    @cached_property
    def graph(self) -> Graph:
        return deit_graph(self.config, self.state, self.name)

    @property
    def input_shape(self) -> tuple[int, ...]:
        return (self.config.in_channels, self.config.image_size, self.config.image_size)

    @cached_property
    def module(self) -> DeiT:
        """The network in PyTorch, in inference mode."""
        return DeiT.from_state(self.config, self.state)

    def check_inputs(self, inputs: np.ndarray | Tensor, purpose: str) -> Tensor:
        return check_images(inputs, self.module, purpose)

    def results(self, inputs: Tensor) -> np.ndarray:
        with torch.inference_mode():
            return self.module(inputs).double().numpy()

    def calibrate(
        self,
        inputs: np.ndarray | Tensor,
        recipe: Recipe,
        batch: int = 16,
        progress: Callable[[int, int], None] | None = None,
    ) -> Observations:
        recipe.check_names(layer_names(self.graph))
        return observe(self.module, inputs, recipe, batch, progress)

    def convert(self, seen: Observations, recipe: Recipe) -> Graph:
        return build(self.name, self.config, self.state, seen, recipe)
