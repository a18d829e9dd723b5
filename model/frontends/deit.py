"""A DeiT or ViT whose tensors have the names of the DeiT authors, as checkpoints give it."""

from collections.abc import Callable, Mapping
from copy import copy
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np
from torch import Tensor

from pointwise.model.checkpoints import Checkpoint, check_state
from pointwise.model.graph import Graph
from pointwise.model.models.deit import deit_graph
from pointwise.model.networks import DeiTConfig
from pointwise.model.quantise.inputs import PIXELS, patch_rows, pixel_scales
from pointwise.model.quantise.recipe import Recipe
from pointwise.model.quantise.statistics import Statistics
from pointwise.model.quantise.trained import TrainedQuantisation

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

    def with_graph(self, graph: Graph) -> "DeiTNetwork":
        other = copy(self)
        vars(other)["graph"] = graph  # in place of the one that is made when it is asked for
        return other

    @property
    def input_groups(self) -> int:
        return self.config.in_channels

    @property
    def input_shape(self) -> tuple[int, ...]:
        return (self.config.in_channels, self.config.image_size, self.config.image_size)

    def rows(self, inputs: np.ndarray) -> np.ndarray:
        return patch_rows(inputs, self.config.patch, self.config.prefix_tokens)

    @property
    def input_info(self) -> dict[str, Any]:
        config = self.config
        geometry = {"patch": config.patch, "image_size": config.image_size, "in_channels": config.in_channels}
        return {"config": config.to_dict(), "input": geometry}

    def convert(
        self,
        statistics: Statistics,
        recipe: Recipe,
        trained: TrainedQuantisation | None = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> Graph:
        made = super().convert(statistics, recipe, trained, progress)
        pixels = pixel_scales(statistics[PIXELS], statistics.grids)
        scales = {"scale": pixels.scale.tolist(), "offset": pixels.offset.tolist()}
        return replace(made, info=made.info | {"input": made.info["input"] | scales})
