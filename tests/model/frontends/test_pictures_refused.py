"""What is not known of convolutions and pooling is told in one sentence, by module and line or by node."""

from pathlib import Path

import numpy as np
import pytest
import torch
from onnx import numpy_helper
from torch import Tensor, nn
from torch.nn import functional

import pointwise as pw
from pointwise.hw.contract.errors import PointwiseError
from tests.model.frontends.test_onnx import NODE, written
from tests.model.frontends.test_pictures import Does

REFUSED = {
    "not counted": (
        lambda x: functional.avg_pool2d(x, 3, 1, 1, count_include_pad=False),
        "leave out the padding",
    ),
    "rounded up": (lambda x: functional.avg_pool2d(x, 3, 2, ceil_mode=True), "fewer pixels at the border"),
    "adaptive": (
        lambda x: functional.adaptive_avg_pool2d(x, 3),
        "pools 8 by 8 pixels into 3 by 3",
    ),
    "reflection": (lambda x: functional.pad(x, (1, 1, 1, 1), "reflect"), "is an operator that is not known"),
    "ones": (lambda x: functional.pad(x, (1, 1), value=1.0), "pads with something else than zeros"),
    "cropped": (
        lambda x: functional.conv2d(functional.pad(x, (-1, 0)), torch.ones(1, 6, 2, 2)),
        "cuts off",
    ),
    "turned": (lambda x: functional.conv2d(x.flip(2), torch.ones(1, 6, 2, 2)), "pixels in another order"),
    "several": (
        lambda x: functional.max_pool2d(x.reshape(2, 3, 8, 8), 2),
        "of 2 pictures at once",
    ),
    "large": (
        lambda x: functional.avg_pool2d(functional.pad(x, (9, 9, 9, 9)), 17),
        "kernel of 17 by 17",
    ),
    "flattened": (
        lambda x: functional.linear(functional.pad(x, (9, 9, 9, 9)).flatten(1), torch.ones(1, 6 * 26 * 26)),
        "reads 26 by 26 pixels at once; a kernel has at most 16 by 16",
    ),
    "weights": (
        lambda x: functional.conv2d(x, x.mean((2, 3))[:, :, None, None]),
        "weights that depend on",
    ),
    "resized": (lambda x: functional.interpolate(x, scale_factor=2.0), "is an operator that is not known"),
    "gate": (
        lambda x: x * torch.sigmoid(x.mean((2, 3), keepdim=True)),
        "squeeze and excitation",
    ),
    "kernel": (lambda x: functional.conv2d(x, torch.ones(1, 6, 11, 1)), "cannot be captured by torch.export"),
    "stride": (lambda x: functional.conv2d(x, torch.ones(1, 6, 1, 1), stride=0), "cannot be captured by"),
    "groups": (lambda x: functional.conv2d(x, torch.ones(4, 2, 1, 1), groups=4), "cannot be captured by"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_not_known_of_pictures_is_told_by_module_and_line(name: str) -> None:
    then, words = REFUSED[name]
    with pytest.raises(PointwiseError, match=words) as caught:
        pw.load(Outer(Does(then)), torch.zeros(1, 3, 8, 8))
    told = str(caught.value)
    assert "\n" not in told
    if "captured" not in told:
        source = Path(__file__).with_name("test_pictures.py").read_text().splitlines()
        line = 1 + source.index("        return self.then(self.layer(x)).flatten(1)")
        assert told.startswith(f"inner (Does), test_pictures.py:{line} (return self.then(self.layer(x))")


class Outer(nn.Module):
    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, x: Tensor) -> Tensor:
        return self.inner(x)


def weighted(path: Path, *nodes: object) -> Path:
    """A file with these nodes, from x (1, 4, 6, 7) to y, that has weights k (8, 4, 3, 3)."""
    import onnx

    made = onnx.load(written(path, *nodes, shape=(1, 4, 6, 7)))
    kernel = np.random.default_rng(3).normal(size=(8, 4, 3, 3)).astype(np.float32)
    made.graph.initializer.append(numpy_helper.from_array(kernel, "k"))
    made.graph.initializer.append(numpy_helper.from_array(np.array([0, 0, 1, 1, 0, 0, 1, 1]), "p"))
    onnx.save(made, path)
    return path


NODES = {
    "stride": (NODE("Conv", ["x", "k"], ["y"], name="/a/Conv", strides=[0, 1]), "has a stride of 0 by 1"),
    "stride and padding": (
        NODE("Conv", ["x", "k"], ["y"], strides=[0, 1], auto_pad="SAME_UPPER"),
        "has a stride of 0 by 1",
    ),
    "groups": (
        NODE("Conv", ["x", "k"], ["y"], group=3),
        "has 3 groups, weights of the shape",
    ),
    "padding": (NODE("Conv", ["x", "k"], ["y"], pads=[1, 1]), "has inputs or attributes that are not known"),
    "negative": (NODE("Conv", ["x", "k"], ["y"], pads=[-1, 0, 0, 0]), "has a padding of .*; give at least 0"),
    "kernel": (
        NODE("Conv", ["x", "k"], ["y"], dilations=[3, 1]),
        r"covers 7 by 3 pixels, but the picture has 6 by 7 with \(0, 0, 0, 0\) around it; use a larger image",
    ),
    "maximum": (NODE("MaxPool", ["x"], ["y"], kernel_shape=[9, 2]), "has a kernel that covers 9 by 2 pixels"),
    "mean": (
        NODE("AveragePool", ["x"], ["y"], kernel_shape=[2, 2], pads=[1, 0, 0, 0]),
        "leave out the padding",
    ),
    "border": (
        NODE("AveragePool", ["x"], ["y"], kernel_shape=[4, 4], strides=[3, 2], ceil_mode=1),
        "fewer pixels at the border",
    ),
    "pads": (NODE("Pad", ["x", "s"], ["y"]), "has inputs or attributes that are not known"),
    "edge": (NODE("Pad", ["x", "p"], ["y"], mode="edge"), "pads with something else than zeros"),
    "unknown": (NODE("LRN", ["x"], ["y"], size=3, name="/deep/LRN"), "LRN is an operator that is not known"),
}


@pytest.mark.parametrize("name", NODES)
def test_what_is_not_known_of_pictures_is_told_by_node(name: str, tmp_path: Path) -> None:
    node, words = NODES[name]
    with pytest.raises(PointwiseError, match=words) as caught:
        pw.load(weighted(tmp_path / "net.onnx", node))
    told = str(caught.value)
    assert "\n" not in told
    assert told.startswith(f"Node {node.name or 'y'} of net.onnx: {node.op_type} ")


def test_padding_by_name_is_that_of_the_library(tmp_path: Path) -> None:
    """SAME_UPPER and SAME_LOWER, a mean that counts the padding, Pad by axes: as its reference."""
    import onnx
    from onnx.reference import ReferenceEvaluator

    flat = [NODE("GlobalAveragePool", ["z"], ["g"]), NODE("Flatten", ["g"], ["y"])]
    nodes = {
        "upper": NODE("Conv", ["x", "k"], ["z"], auto_pad="SAME_UPPER", strides=[2, 3]),
        "lower": NODE("Conv", ["x", "k"], ["z"], auto_pad="SAME_LOWER", strides=[1, 2]),
        "valid": NODE("Conv", ["x", "k"], ["z"], auto_pad="VALID", dilations=[2, 1]),
        "maximum": NODE("MaxPool", ["x"], ["z"], kernel_shape=[3, 2], auto_pad="SAME_UPPER", strides=[2, 2]),
        "rounded up": NODE("MaxPool", ["x"], ["z"], kernel_shape=[3, 3], strides=[2, 2], ceil_mode=1),
        "mean": NODE(
            "AveragePool", ["x"], ["z"], kernel_shape=[3, 2], pads=[1, 0, 1, 1], count_include_pad=1
        ),
        "largest": NODE("GlobalMaxPool", ["x"], ["z"]),
        "pad": NODE("Pad", ["x", "two", "", "axes"], ["z"]),
    }
    for name, node in nodes.items():
        model = onnx.load(weighted(tmp_path / "net.onnx", node, *flat))
        for key, values in (("two", [1, 2]), ("axes", [-1])):
            model.graph.initializer.append(numpy_helper.from_array(np.array(values), key))
        model.opset_import[0].version = 18
        onnx.save(model, tmp_path / "net.onnx")
        x = np.random.default_rng(1).normal(size=(1, 4, 6, 7)).astype(np.float32)
        (expected,) = ReferenceEvaluator(model).run(None, {"x": x})
        found = pw.load(tmp_path / "net.onnx").results(torch.from_numpy(x))
        assert np.abs(found - expected).max() < 1e-5, name
