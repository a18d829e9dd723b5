"""Front ends: what people have as a ``FloatNetwork``, from which all else goes on.

A checkpoint (``deit``), a graph of operators (``graph``), or a module of PyTorch (``module``, ``aten``). The
other files read a network operator by operator into a graph, whatever form it comes in.
"""

from .deit import DeiTNetwork
from .graph import GraphNetwork
from .module import capture_module, module_in_file
from .network import FloatNetwork

__all__ = ["DeiTNetwork", "FloatNetwork", "GraphNetwork", "capture_module", "module_in_file"]
