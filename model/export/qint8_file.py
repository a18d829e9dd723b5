"""``.qint8.pt``: the weights as PyTorch's own quantised tensors, for programs that read ``torch.qint8``.

``torch.load(path, weights_only=True)`` gives, by the names of the integer network's operators:

* ``NAME.weight``: ``torch.qint8``, one scale for each output channel: ``int_repr()`` are the integers that
  the core multiplies with, and ``dequantize()`` the real weights that they stand for. Where channels of what
  is multiplied have scales of their own, their mean counts, as in the ONNX file with QuantizeLinear.
* ``NAME.bias``: float32, without what the zero points of input and result put into it.

A convolution's weights are (N, K / groups, lines, taps), a linear layer's (N, K).
"""

import io
import warnings

import numpy as np
import torch

from pointwise.hw.contract.errors import PointwiseError
from pointwise.model.graph import Graph
from pointwise.model.graph.ops import Conv2d, Linear


def encode(network: Graph) -> bytes:
    """The file.

    Raises:
        PointwiseError: the network is not sound, or has no weights.
    """
    network.check()
    content = {}
    for op in network.ops:
        if isinstance(op, Conv2d | Linear):
            scales = weight_scales(network, op)
            content[f"{op.name}.weight"] = quantised(op.weight, scales)
            content[f"{op.name}.bias"] = torch.from_numpy(_bias(network, op, scales).astype(np.float32))
    if not content:
        raise PointwiseError(
            f"The network {network.name} has no weights, so there is no file of them; export it as numpy."
        )
    buffer = io.BytesIO()
    torch.save(content, buffer)
    return buffer.getvalue()


def weight_scales(network: Graph, op: Conv2d | Linear) -> np.ndarray:
    """(N,) real value of one step of the weights of each output channel."""
    source = network[op.inputs[0]].quantisation.step
    steps = op.mult.astype(np.float64) * 2.0 ** -op.shift.astype(np.float64)
    return steps * op.quantisation.scale / source


def quantised(weight: np.ndarray, scales: np.ndarray) -> torch.Tensor:
    """Integers (N, …) as ``torch.qint8`` with a scale for each of the first axis."""
    # Rounded again, they are the same: a real weight is within 10⁻⁶ of its integer's multiple of the scale.
    real = torch.from_numpy((weight.T * scales).T.astype(np.float32))
    zeros = torch.zeros(len(scales), dtype=torch.long)
    with warnings.catch_warnings():
        # PyTorch would rather have these types in a package of its own; the form is what others read.
        warnings.simplefilter("ignore")
        return torch.quantize_per_channel(real, torch.from_numpy(scales), zeros, 0, torch.qint8)


def _bias(network: Graph, op: Conv2d | Linear, scales: np.ndarray) -> np.ndarray:
    """(N,) real: what is added to the sum of real products."""
    given = network[op.inputs[0]].quantisation
    weights = op.weight.reshape(len(op.weight), -1).sum(axis=1, dtype=np.int64)
    own = op.quantisation.zero_point * op.quantisation.scale - op.quantisation.offset
    whole = op.bias.astype(np.int64) + given.zero_point * weights
    return whole * scales * given.step - own - weights * scales * np.mean(given.offset)
