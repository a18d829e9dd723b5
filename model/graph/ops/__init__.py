"""The operators, one a file. A new one is a class of ``pointwise.model.graph.op.Op`` that is listed here."""

from ..op import Op
from .activation import Activation
from .add import Add
from .concat import Concat
from .constant import Constant
from .conv2d import Conv2d
from .input import Input
from .layer_norm import LayerNorm
from .linear import Linear
from .matmul import MatMul
from .max_pool import MaxPool
from .mean_pool import MeanPool
from .slice import Slice
from .softmax import Softmax

OPS: dict[str, type[Op]] = {
    kind.__name__: kind
    for kind in (
        Activation,
        Add,
        Concat,
        Constant,
        Conv2d,
        Input,
        LayerNorm,
        Linear,
        MatMul,
        MaxPool,
        MeanPool,
        Slice,
        Softmax,
    )
}
"""Operators by the name that files give them."""

__all__ = [
    "OPS",
    "Activation",
    "Add",
    "Concat",
    "Constant",
    "Conv2d",
    "Input",
    "LayerNorm",
    "Linear",
    "MatMul",
    "MaxPool",
    "MeanPool",
    "Slice",
    "Softmax",
]
