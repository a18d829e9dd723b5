"""Front ends: what people have (a checkpoint, a graph) as a ``FloatNetwork``, from which all else goes on."""

from .deit import DeiTNetwork
from .graph import GraphNetwork
from .network import FloatNetwork

__all__ = ["DeiTNetwork", "FloatNetwork", "GraphNetwork"]
