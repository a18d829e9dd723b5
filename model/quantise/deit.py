"""A float DeiT and calibration images to an integer network."""

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
from torch import Tensor

from pointwise.hw.contract.errors import PointwiseError
from pointwise.model.checkpoints import check_state
from pointwise.model.deit import DeiT
from pointwise.model.graph import Graph
from pointwise.model.models.deit import deit_graph
from pointwise.model.networks import DeiTConfig

from .convert import convert, layer_names
from .inputs import PIXELS, pixel_scales
from .observe import observe
from .recipe import Recipe
from .records import Observations
from .trained import Trained


def quantise(
    state_dict: Mapping[str, Tensor],
    config: DeiTConfig,
    calibration_images: np.ndarray | Tensor,
    *,
    name: str = "deit",
    recipe: Recipe | None = None,
    batch: int = 16,
    trained: Trained | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Graph:
    """Turn a float DeiT into an integer network.

    Args:
        state_dict: the checkpoint's tensors, see ``pointwise.model.checkpoints``. config: its network.
        calibration_images: (B, colours, S, S) real, normalised as the network takes them; about 100.
        name: of the result, for reports.
        recipe: how each layer is quantised; the best we know unless given.
        batch: images at a time through the float network.
        trained: what training has fixed already (``pointwise.model.qat``).
        progress: called with (images done, images in all) during calibration.

    Raises:
        PointwiseError: the checkpoint or the images do not fit the network, something is not finite or has no
            range, or a factor does not fit the hardware.
    """
    recipe = recipe or Recipe()
    if batch < 1:
        raise PointwiseError(f"The calibration batch is {batch}, but it must be at least 1.")
    state = check_state(state_dict, config, "to be quantised")
    recipe.check_names(layer_names(deit_graph(config, state)))
    seen = observe(DeiT.from_state(config, state), calibration_images, recipe, batch, progress)
    return build(name, config, state, seen, recipe, trained)


def build(
    name: str,
    config: DeiTConfig,
    state: Mapping[str, Tensor],
    seen: Observations,
    recipe: Recipe,
    trained: Trained | None = None,
) -> Graph:
    """Turn what calibration saw into an integer network: the second half of ``quantise``.

    Args:
        seen: of a recipe with the same range methods and granularity, see ``model.quantise.observe``.
    """
    graph = deit_graph(config, state, name)
    trained = trained or Trained()
    modules = graph.info["modules"].items()
    grids = {op: trained.weights[m][first:end] for op, (m, first, end) in modules if m in trained.weights}
    made = convert(graph, seen, recipe, grids, trained.steps)
    pixels = pixel_scales(seen[PIXELS], seen.grids)
    geometry = {
        "patch": config.patch,
        "image_size": config.image_size,
        "in_channels": config.in_channels,
        "scale": pixels.scale.tolist(),
        "offset": pixels.offset.tolist(),
    }
    info = {
        "config": config.to_dict(),
        "recipe": recipe.to_dict(),
        "calibration_images": seen.images,
        "input": geometry,
    }
    if "groups" in made.info:
        info["groups"] = made.info["groups"]
    return replace(made, info=info)
