"""From a trained network with quantisers to integers: the inference path of all of it."""

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from pointwise.model.graph import Graph
from pointwise.model.networks import DeiTConfig
from pointwise.model.quantise import quantise
from pointwise.model.quantise.recipe import Recipe
from pointwise.model.quantise.trained import Trained, WeightGrid, stored_bits

from .attach import QuantisedDeiT, parametrisation
from .base import check_paths

ALIKE = (
    ("*norm*", {"factors": "none"}),
    ("*.attn.o", {"granularity": "tensor", "equalise": False}),
)
"""How activations are calibrated that no quantiser trains: with one step for all channels, since other steps
would take the weights behind them off their grids."""


@torch.no_grad()
def exported(quantised: QuantisedDeiT) -> tuple[dict[str, Tensor], Trained]:
    """Return an ordinary DeiT's tensors whose weights lie on their grids, and what is fixed about them.

    Every weight is scale · integer, with the integers of its quantiser's inference path; pruned ones are 0.

    Raises:
        PointwiseError: a quantiser's two paths do not agree.
    """
    quantised.eval()
    net, weights = quantised.net, {}
    state = {name: tensor for name, tensor in net.state_dict().items() if "parametrizations" not in name}
    for name, module, path in quantised.paths():
        original = parametrisation(module).original
        values = path.prepared(original)
        check_paths(path.quantiser, values, f"the weights of {name}")
        integers = path.quantiser.integers(values)
        rows = integers * path.quantiser.scale[:, None] / path.columns
        state[f"{name}.weight"] = rows.reshape(original.shape)
        largest = integers.abs().amax(dim=1).numpy().astype(np.int64)
        weights[name] = WeightGrid(stored_bits(path.quantiser.bits), largest)
    steps = {
        name.replace("/", "."): float(one.get_buffer("scale")[0])
        for name, one in quantised.activations.items()
    }
    return {name: tensor.detach().clone() for name, tensor in state.items()}, Trained(weights, steps)


def integer_network(
    quantised: QuantisedDeiT,
    config: DeiTConfig,
    calibration: np.ndarray | Tensor,
    *,
    name: str = "deit",
    notes: dict[str, object] | None = None,
) -> Graph:
    """Make the integers of a trained network.

    Weights, and the activations that have a quantiser, become what training has made of them; everything else
    (residual stream, queries, keys, values, scores) is calibrated on the trained network.

    Args:
        calibration, name: as for ``model.quantise.quantise``. notes: kept in the network's ``info``.

    Raises:
        PointwiseError: as ``exported`` and ``pointwise.model.quantise.quantise``.
    """
    state, trained = exported(quantised)
    recipe = Recipe() if trained.steps else Recipe(layers=ALIKE)
    network = quantise(state, config, calibration, name=name, recipe=recipe, trained=trained)
    return replace(network, info={**network.info, "training": notes or {}})
