"""A convolutional network as ONNX: zero points, padding, sums of bytes, the mean of all."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import pointwise as pw
from pointwise.model.evaluate import sqnr_db
from pointwise.model.export.onnx_file import encode
from pointwise.model.graph import run
from pointwise.model.graph.ops import Add, Conv2d, MaxPool, MeanPool
from pointwise.model.quantise.inputs import patchify

ort = pytest.importorskip("onnxruntime", reason="install the extra dev")


class Net(nn.Module):
    """A residual block behind a stem, and a depthwise one."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 3, stride=2, padding=1)
        self.one, self.two = nn.Conv2d(8, 8, 3, padding=1), nn.Conv2d(8, 8, 3, padding=1)
        self.depthwise, self.head = nn.Conv2d(8, 16, 3, stride=2, groups=8), nn.Linear(16, 5)

    def forward(self, image: Tensor) -> Tensor:
        x = nn.functional.max_pool2d(torch.relu(self.stem(image)), 3, 2, 1)
        x = torch.relu(x + self.two(torch.relu(self.one(x))))
        return self.head(nn.functional.relu6(self.depthwise(x)).mean((2, 3)))


def test_it_is_the_integer_network_but_for_roundings():
    torch.manual_seed(0)
    images = torch.randn(24, 3, 20, 18)
    source = pw.load(Net().eval(), images[:1])
    integers = pw.quantise(pw.calibrate(source, images[:16]))
    assert {Conv2d, MaxPool, MeanPool} <= {type(op) for op in integers.ops}
    assert any(isinstance(op, Add) and op.dtype != "int16" for op in integers.ops)
    tokens = patchify(integers, images[16:].numpy())
    expected = integers.real(integers.output, run(integers, tokens)[integers.output])[:, 0]
    session = ort.InferenceSession(encode(integers), providers=["CPUExecutionProvider"])
    (found,) = session.run(["logits"], {session.get_inputs()[0].name: tokens})
    assert np.isfinite(found).all() and sqnr_db(expected, found) > 30
