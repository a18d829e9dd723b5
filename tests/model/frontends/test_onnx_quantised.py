"""ONNX files that are quantised already: weights keep their integers, and ReLUs are put back."""

import warnings
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn

import pointwise as pw
from pointwise.hw.contract.errors import PointwiseError
from pointwise.model.evaluate import sqnr_db
from pointwise.model.frontends import network_in_onnx

ort = pytest.importorskip("onnxruntime")
quantization = pytest.importorskip("onnxruntime.quantization")
COUNT = 24


class Net(nn.Module):
    """Convolutions, pooling, a shortcut and a last layer."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.inner = nn.Conv2d(3, 8, 3, padding=1), nn.Conv2d(8, 8, 3, padding=1, groups=2)
        self.pool, self.last, self.head = nn.MaxPool2d(2), nn.Conv2d(8, 16, 3, 2, 1), nn.Linear(16, 5)

    def forward(self, x: Tensor) -> Tensor:
        x = self.pool(self.stem(x).relu())
        x = self.last(x + self.inner(x).relu()).relu()
        return self.head(x.mean((2, 3)))


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Net, Tensor]:
    torch.manual_seed(0)
    module, images = Net().eval(), torch.randn(COUNT, 3, 12, 12)
    path = tmp_path_factory.mktemp("onnx") / "net.onnx"
    named = {"input_names": ["x"], "dynamic_axes": {"x": {0: "batch"}}}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(module, (images[:1],), path, opset_version=17, dynamo=False, **named)
    return path, module, images


class Reader(quantization.CalibrationDataReader):
    def __init__(self, images: Tensor) -> None:
        self.images = iter([{"x": image[None].numpy()} for image in images])

    def get_next(self) -> dict[str, np.ndarray] | None:
        return next(self.images, None)


def static(
    exported: tuple[Path, Net, Tensor], activations: str, per_channel: bool, weights: str = "QInt8"
) -> Path:
    source, _, images = exported
    path = source.with_name(f"{activations}{per_channel}{weights}.onnx")
    kind = quantization.QuantType
    quantization.quantize_static(
        source,
        path,
        Reader(images[:16]),
        quant_format=quantization.QuantFormat.QDQ,
        per_channel=per_channel,
        weight_type=kind[weights],
        activation_type=kind[activations],
    )
    return path


@pytest.mark.parametrize("per_channel", [True, False])
@pytest.mark.parametrize("activations", ["QInt8", "QUInt8"])
def test_weights_keep_their_integers(
    exported: tuple[Path, Net, Tensor], activations: str, per_channel: bool
) -> None:
    path = static(exported, activations, per_channel)
    graph, images = onnx.load(path).graph, exported[2]
    assert "Relu" not in {node.op_type for node in graph.node}, "zero points stand for them"
    source = pw.load(path)
    network = pw.quantise(pw.calibrate(source, images[:16]))
    theirs = [numpy_helper.to_array(one) for one in graph.initializer]
    for name, wanted in zip(("stem", "inner", "last", "head"), _weights(theirs), strict=True):
        assert np.array_equal(network[name].weight.reshape(wanted.shape), wanted), name
    shown = images[16:].numpy()
    wanted = ort.InferenceSession(path).run(None, {"x": shown})[0]
    found = pw.evaluate(network, source, shown)
    assert sqnr_db(wanted, source.results(images[16:])) > 25
    assert sqnr_db(wanted, found.logits_integer) > 25


def _weights(arrays: list[np.ndarray]) -> list[np.ndarray]:
    """Those of 8 bits by their shapes, the last layer's (N, K)."""
    by_shape = {one.shape: one for one in arrays if one.dtype == np.int8 and one.ndim > 1}
    return [by_shape[shape] for shape in ((8, 3, 3, 3), (8, 4, 3, 3), (16, 8, 3, 3), (5, 16))]


NODE = helper.make_node
FLOATS = {"scale": np.float32(0.1), "two": np.float32([0.1, 0.2]), "other": np.float32(0.3)}
ZEROS = {"zero": np.int8(0), "wide": np.int16(0), "high": np.uint8(200)}
WEIGHTS = {"w": np.ones((2, 2), np.int8), "wu": np.zeros((2, 2), np.uint8), "w32": np.ones((2, 2), np.int16)}
BLOCKS = {"blocks": np.full((1, 2), 0.1, np.float32)}


def pair(read: str = "scale") -> list:
    return [
        NODE("QuantizeLinear", ["x", "scale", "zero"], ["q"]),
        NODE("DequantizeLinear", ["q", read, "zero"], ["y"]),
    ]


@pytest.mark.parametrize(
    ("nodes", "sentence"),
    [
        ([NODE("QuantizeLinear", ["x", "two"], ["q"])], "has 2 scales .*; quantise activations per tensor"),
        ([NODE("QuantizeLinear", ["x", "scale", "wide"], ["q"])], "makes int16, but int8 or uint8"),
        (pair("other"), "has another scale or zero point than the QuantizeLinear in front of it"),
        ([pair()[0], NODE("Relu", ["q"], ["y"])], "works on integers; give a file that dequantises in front"),
        (
            [NODE("DynamicQuantizeLinear", ["x"], ["a", "b", "c"])],
            "chooses scales for each input; give a file of fixed ones",
        ),
        (
            [NODE("DequantizeLinear", ["wu", "scale", "high"], ["r"]), NODE("MatMul", ["x", "r"], ["y"])],
            "has weights whose zero points leave int8; quantise them symmetrically",
        ),
        (
            [NODE("DequantizeLinear", ["w32", "scale"], ["r"]), NODE("MatMul", ["x", "r"], ["y"])],
            "reads int16, but weights of int8 or uint8 were expected",
        ),
        (
            [
                NODE("DequantizeLinear", ["w", "blocks"], ["r"], axis=0, block_size=2),
                NODE("MatMul", ["x", "r"], ["y"]),
            ],
            "has scales for blocks of a channel; quantise weights per channel",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_not_known_is_told(nodes: list, sentence: str, tmp_path: Path) -> None:
    held = {**FLOATS, **ZEROS, **WEIGHTS, **BLOCKS}
    used = {name for node in nodes for name in node.input}
    graph = helper.make_graph(
        nodes,
        "net",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, (1, 3, 2))],
        [helper.make_tensor_value_info(nodes[-1].output[0], TensorProto.FLOAT, (1, 3, 2))],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in held.items() if name in used],
    )
    path = tmp_path / "net.onnx"
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)])
    path.write_bytes(model.SerializeToString())
    with pytest.raises(PointwiseError, match=sentence) as told:
        network_in_onnx(path)
    assert "\n" not in str(told.value)
