"""ONNX files become networks: those of both exporters of PyTorch, and files that are not known are told."""

import sys
import warnings
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
import transformers
from onnx import TensorProto, helper, numpy_helper

import pointwise as pw
from pointwise.hw.contract.errors import PointwiseError
from pointwise.model.emulator import Emulator
from pointwise.model.frontends import network_in_onnx
from pointwise.model.graph import run
from pointwise.model.graph.ops import Activation, LayerNorm, MatMul
from pointwise.model.quantise import patchify
from tests.model.frontends.test_module import CASES, CORE

EXPORTS = [
    ("residual", False, 13),
    ("vision", False, 14),
    ("both", False, 17),
    ("mean", False, 20),
    ("reused", True, 18),
    ("embedded", True, 18),
    ("map", True, 20),
    ("norm", True, 23),
    ("post-norm", True, 20),
    ("pre-norm", True, 23),
]
"""Modules, whether by the newer exporter, and the opset."""
MORE = [export for export in EXPORTS if export[1]][1:]
"""Of the newer exporter, which takes seconds for each, all but one."""


def exported(name: str, newer: bool, opset: int, path: Path) -> torch.nn.Module:
    """A module in inference mode, and its file; with the older exporter the batch is free."""
    if newer:
        pytest.importorskip("onnxscript")
    torch.manual_seed(len(name))
    make, example = CASES[name]
    module = make().eval()
    more = {} if newer else {"dynamic_axes": {"x": {0: "batch"}}, "input_names": ["x"]}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(module, (example,), path, opset_version=opset, dynamo=newer, verbose=False, **more)
    return module


@pytest.mark.parametrize(
    ("name", "newer", "opset"),
    [pytest.param(*export, marks=pytest.mark.slow if export in MORE else ()) for export in EXPORTS],
)
def test_what_pytorch_exports_is_what_it_computes(name: str, newer: bool, opset: int, tmp_path: Path) -> None:
    module = exported(name, newer, opset, tmp_path / "net.onnx")
    source = pw.load(tmp_path / "net.onnx")
    assert source.name == "net" and source.input_shape == tuple(CASES[name][1].shape[1:])
    inputs = torch.randn(8, *source.input_shape)
    with torch.no_grad():
        expected = torch.cat([module(one[None]) for one in inputs]).flatten(1).double().numpy()
    assert np.abs(source.results(inputs) - expected).max() < 1e-4
    same = pw.load(module, CASES[name][1]).graph
    for kind in (MatMul, LayerNorm, Activation):
        assert sum(isinstance(op, kind) for op in source.graph.ops) == sum(
            isinstance(op, kind) for op in same.ops
        )
    assert source.graph.macs == same.macs


def test_a_file_goes_the_whole_way(tmp_path: Path) -> None:
    exported("vision", False, 17, tmp_path / "net.onnx")
    source = network_in_onnx(tmp_path / "net.onnx", "mine")
    inputs = torch.randn(40, 3, 8, 6)
    network = pw.quantise(pw.calibrate(source, inputs[:32]))
    assert network.name == "mine" and pw.evaluate(network, source, inputs[32:]).sqnr_db > 25
    compiled, rows = pw.compile(network, **CORE), patchify(network, inputs[:1].numpy())[0]
    output = Emulator(compiled.image, compiled.config).run(compiled.pack_input(rows))
    assert np.array_equal(compiled.read_output(output)[network.output], run(network, rows)[network.output])
    layers = {op.layer for op in network.ops if isinstance(op, MatMul)}
    assert {"blocks.0.attn.s", "blocks.0.attn.o"} <= layers


def written(
    path: Path, *nodes: onnx.NodeProto, shape: tuple[object, ...] = (1, 5, 8), opset: int = 17
) -> Path:
    """A file with these nodes, from x to y, that has weights w (8, 8) and e (1, 5, 8)."""
    rng = np.random.default_rng(0)
    weights = [numpy_helper.from_array(rng.normal(size=(8, 8)).astype(np.float32), "w")]
    weights.append(numpy_helper.from_array(rng.normal(size=(1, 5, 8)).astype(np.float32), "e"))
    weights.append(numpy_helper.from_array(np.array([0, 0, 4], np.int64), "s"))
    weights.append(numpy_helper.from_array(np.float32(0.1), "scale"))
    weights.append(numpy_helper.from_array(np.uint8(0), "zero"))
    graph = helper.make_graph(
        nodes,
        "net",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, (None,))],
        weights,
    )
    opsets = [helper.make_opsetid("", opset), helper.make_opsetid("mine", 1)]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=10), path)
    return path


NODE = helper.make_node
MULTIPLY = NODE("MatMul", ["x", "w"], ["m"], name="/layer/MatMul")


def test_operators_that_exporters_do_not_use(tmp_path: Path) -> None:
    """Gemm with all its attributes, Einsum, Split, Gather, a causal Conv: as the library's reference."""
    from onnx.reference import ReferenceEvaluator

    graphs = {
        "gemm": [
            NODE("Reshape", ["x", "s2"], ["r"]),
            NODE("Gemm", ["r", "w", "b"], ["y"], alpha=0.5, beta=2.0, transB=1),
        ],
        "einsum": [
            NODE("Reshape", ["m", "s4"], ["q"]),
            NODE("Einsum", ["q", "q"], ["a"], equation="bihd,bjhd->bhij"),
            NODE("Softmax", ["a"], ["p"]),
            NODE("Einsum", ["p", "q"], ["c"], equation="bhij,bjhd->bihd"),
            NODE("Reshape", ["c", "s3"], ["f"]),
            NODE("MatMul", ["f", "w"], ["y"]),
        ],
        "split": [
            NODE("Split", ["m"], ["one", "two"], axis=-1),
            NODE("Concat", ["two", "one"], ["c"], axis=2),
            NODE("MatMul", ["c", "w"], ["y"]),
        ],
        "gather": [NODE("Gather", ["m", "i"], ["g"], axis=1), NODE("MatMul", ["g", "w"], ["y"])],
        "pool": [
            NODE("Transpose", ["m"], ["t"], perm=[0, 2, 1]),
            NODE("GlobalAveragePool", ["t"], ["g"]),
            NODE("Squeeze", ["g"], ["f"]),
            NODE("MatMul", ["f", "w"], ["y"]),
        ],
        "causal": [
            NODE("Transpose", ["m"], ["t"], perm=[0, 2, 1]),
            NODE("Conv", ["t", "k"], ["z"], pads=[2, 0]),
            NODE("Transpose", ["z"], ["f"], perm=[0, 2, 1]),
            NODE("MatMul", ["f", "w"], ["y"]),
        ],
        "functions": [
            NODE("HardSigmoid", ["m"], ["h"], alpha=1 / 6),
            NODE("Mul", ["m", "h"], ["z"]),
            NODE("MatMul", ["z", "w"], ["y"]),
        ],
    }
    more = {
        "s2": np.array([5, 8]),
        "s3": np.array([0, 0, -1]),
        "s4": np.array([0, 0, 2, 4]),
        "i": np.array(2),
        "b": np.random.default_rng(1).normal(size=8).astype(np.float32),
        "k": np.random.default_rng(3).normal(0, 0.2, (8, 8, 3)).astype(np.float32),
    }
    for name, nodes in graphs.items():
        path = written(tmp_path / "net.onnx", *([] if name == "gemm" else [MULTIPLY]), *nodes)
        model = onnx.load(path)
        model.graph.initializer.extend(numpy_helper.from_array(value, key) for key, value in more.items())
        onnx.save(model, path)
        inputs = np.random.default_rng(2).normal(size=(3, 5, 8)).astype(np.float32)
        expected = [ReferenceEvaluator(model).run(None, {"x": one[None]})[0].ravel() for one in inputs]
        found = pw.load(path).results(torch.from_numpy(inputs))
        assert np.abs(found - np.stack(expected)).max() < 1e-5, name


REFUSED = {
    "operator": (
        [MULTIPLY, NODE("CumSum", ["m", "s"], ["y"], name="/deep/CumSum")],
        "Node /deep/CumSum of net.onnx: CumSum is an operator that is not known",
    ),
    "domain": ([MULTIPLY, NODE("Gelu", ["m"], ["y"], domain="mine")], "Gelu is an operator that is not"),
    "gate": ([MULTIPLY, NODE("Mul", ["m", "x"], ["y"])], "Mul multiplies two tensors element by element"),
    "quantised": (
        [MULTIPLY, NODE("QuantizeLinear", ["m", "scale", "zero"], ["y"])],
        "net.onnx ends with integers; give a file that dequantises its result",
    ),
    "softmax": ([MULTIPLY, NODE("Softmax", ["m"], ["y"], axis=1)], "softmax of another dimension"),
    "constant": ([NODE("Add", ["e", "e"], ["y"])], "returns 1 tensors, of which 0 depend on its input"),
    "powers": ([MULTIPLY, NODE("Pow", ["m", "e"], ["y"])], "raises elements to powers that differ"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_not_known_is_told_by_node(name: str, tmp_path: Path) -> None:
    nodes, words = REFUSED[name]
    with pytest.raises(PointwiseError, match=words) as caught:
        pw.load(written(tmp_path / "net.onnx", *nodes))
    assert "\n" not in str(caught.value)


def test_files_and_inputs_that_do_not_fit_are_told(tmp_path: Path) -> None:
    path, good = tmp_path / "net.onnx", NODE("MatMul", ["x", "w"], ["y"])
    for made, words in (
        ({"opset": 11}, "is of opset 11, but 13 or later is known"),
        (
            {"shape": (1, "tokens", 8)},
            "Dimension 1 of the input x of .* is tokens, but the core runs one size",
        ),
        ({"shape": (8, 5, 8)}, "The batch of the input x of .* is fixed to 8"),
    ):
        with pytest.raises(PointwiseError, match=words):
            pw.load(written(path, good, **made))
    assert pw.load(written(path, good, shape=("batch", 5, 8))).input_shape == (5, 8)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    with pytest.raises(PointwiseError, match="cannot be read, so it is damaged"):
        pw.load(path)
    path.write_text("<html>no model</html>")
    with pytest.raises(PointwiseError, match="cannot be read, so it is damaged"):
        pw.load(path)
    with pytest.raises(PointwiseError, match="There is no ONNX file"):
        pw.load(tmp_path / "gone.onnx")
    graph = onnx.load(written(path, NODE("Add", ["x", "e"], ["y"])))
    graph.graph.input.append(helper.make_tensor_value_info("z", TensorProto.FLOAT, (1, 5, 8)))
    onnx.save(graph, path)
    with pytest.raises(PointwiseError, match=r"has 2 inputs \(x, z\), but one was expected"):
        pw.load(path)


def test_without_the_package_it_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(PointwiseError, match=r"not installed; install pointwise\[onnx\]"):
        pw.load(tmp_path / "net.onnx")


NETWORKS = {
    "vit": lambda: transformers.ViTForImageClassification(
        transformers.ViTConfig(
            hidden_size=16,
            num_hidden_layers=2,
            num_attention_heads=2,
            intermediate_size=32,
            image_size=8,
            patch_size=4,
            num_labels=5,
            attn_implementation="eager",
        )
    ),
    "deit": lambda: transformers.DeiTForImageClassification(
        transformers.DeiTConfig(
            hidden_size=16,
            num_hidden_layers=1,
            num_attention_heads=2,
            intermediate_size=32,
            image_size=8,
            patch_size=4,
            num_labels=5,
        )
    ),
    "resnet": lambda: transformers.ResNetForImageClassification(
        transformers.ResNetConfig(
            embedding_size=8, hidden_sizes=[8, 16], depths=[1, 1], layer_type="basic", num_labels=5
        )
    ),
}
"""Networks of Hugging Face."""


class Logits(torch.nn.Module):
    """What optimum exports of them."""

    def __init__(self, inner: torch.nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, pixel_values: torch.Tensor) -> torch.Tensor:
        return self.inner(pixel_values=pixel_values).logits


@pytest.mark.parametrize("name", NETWORKS)
def test_sizes_that_a_file_leaves_free_are_those_of_an_example(name: str, tmp_path: Path) -> None:
    """As optimum exports them: the older exporter, every axis of the pixels free."""
    torch.manual_seed(0)
    module, path = Logits(NETWORKS[name]()).eval(), tmp_path / "model.onnx"
    example = torch.randn(1, 3, 32, 32) if name == "resnet" else torch.randn(1, 3, 8, 8)
    axes = {"pixel_values": {0: "batch_size", 1: "num_channels", 2: "height", 3: "width"}}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            module,
            (example,),
            path,
            opset_version=14,
            dynamo=False,
            input_names=["pixel_values"],
            output_names=["logits"],
            dynamic_axes={**axes, "logits": {0: "batch_size"}},
        )
    with pytest.raises(PointwiseError, match=r"Dimension 1 of the input pixel_values .* pw\.load's example"):
        pw.load(path)
    with pytest.raises(PointwiseError, match=r"has the shape \(3, 8\), but the input .* has 4 dimensions"):
        pw.load(path, torch.zeros(3, 8))
    source = pw.load(path, example)
    assert source.input_shape == example.shape[1:]
    images = torch.randn(4, *source.input_shape)
    with torch.no_grad():
        expected = module(images).double().numpy()
    assert np.abs(source.results(images) - expected).max() < 1e-4
