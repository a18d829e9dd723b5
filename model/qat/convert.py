"""From a trained network with quantisers to integers: the inference path of all of it."""

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from pointwise.model.frontends import FloatNetwork
from pointwise.model.graph import Graph
from pointwise.model.quantise.trained import TrainedQuantisation, WeightQuantisation, stored_bits

from .base import check_paths
from .network import QuantisedNetwork
from .places import calibrated_alike, weighted


@torch.no_grad()
def exported(quantised: QuantisedNetwork) -> tuple[Graph, TrainedQuantisation]:
    """Return an ordinary network whose weights lie on their grids, and what is fixed about them.

    Every weight is scale · integer, with the integers of its quantiser's inference path; pruned ones are 0.

    Raises:
        PointwiseError: a quantiser's two paths do not agree.
    """
    quantised.eval()
    graph, weights = quantised.exported(), {}
    changed = {}
    for op in weighted(graph):
        layer = quantised.layer(op.name)
        if layer.path is None:
            continue
        path, values = layer.path, layer.path.prepared(layer.weight)
        check_paths(path.quantiser, values, f"the weights of {op.name}")
        integers = path.quantiser.integers(values)
        rows = integers * path.quantiser.scale[:, None] / path.columns
        changed[op.name] = replace(op, weight=rows.reshape(layer.weight.shape).double().numpy())
        largest = integers.abs().amax(dim=1).numpy().astype(np.int64)
        weights[op.name] = WeightQuantisation(stored_bits(path.quantiser.bits), largest)
    return graph.changed(changed), TrainedQuantisation(weights, quantised.steps())


def integer_network(
    quantised: QuantisedNetwork,
    source: FloatNetwork,
    calibration: np.ndarray | Tensor,
    notes: dict[str, object] | None = None,
) -> Graph:
    """Make the integers of a trained network.

    Weights, and the activations that have a quantiser, become what training has made of them; everything else
    (residual stream, queries, keys, values, scores) is calibrated on the trained network.

    Args:
        source: the network that was trained. calibration: as for ``FloatNetwork.quantise``.
        notes: kept in the network's ``info``.

    Raises:
        PointwiseError: as ``exported`` and ``FloatNetwork.quantise``.
    """
    graph, trained = exported(quantised)
    recipe = calibrated_alike(graph, set(trained.steps))
    network = source.with_graph(graph).quantise(calibration, recipe, trained=trained)
    return replace(network, info={**network.info, "training": notes or {}})
