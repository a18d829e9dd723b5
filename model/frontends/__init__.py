"""Front ends: what people have as a ``FloatNetwork``, from which all else goes on.

A checkpoint (``deit``), a graph of operators (``graph``), a module of PyTorch (``module``, ``aten``), or an
ONNX file (``onnx``). The
other files read a network operator by operator into a graph, whatever form it comes in.
"""

from .deit import DeiTNetwork
from .graph import GraphNetwork
from .module import capture_module, module_in_file, network_in_onnx
from .network import FloatNetwork

__all__ = [
    "DeiTNetwork",
    "FloatNetwork",
    "GraphNetwork",
    "capture_module",
    "module_in_file",
    "network_in_onnx",
]
