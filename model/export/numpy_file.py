"""``.npz`` of NumPy: every array of the network by name, and JSON of everything else in ``description``."""

import io

import numpy as np

from pointwise.model.graph import Graph
from pointwise.model.quantise.description import describe

DESCRIPTION = "description"


def encode(network: Graph) -> bytes:
    """The file. ``pointwise.model.quantise.io.rebuild`` makes the same network of what it holds."""
    arrays, description = describe(network)
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **arrays, **{DESCRIPTION: np.array(description)})
    return buffer.getvalue()
