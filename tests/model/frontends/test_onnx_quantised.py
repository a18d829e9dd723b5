"""ONNX files that are quantised already: weights keep their integers, and ReLUs are put back."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import ml_dtypes
import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor

import pointwise as pw
from pointwise.hw.contract.errors import PointwiseError
from pointwise.model import digits
from pointwise.model.checkpoints import MICRO_DIGITS, load_checkpoint
from pointwise.model.emulator import Emulator
from pointwise.model.evaluate import sqnr_db
from pointwise.model.export.onnx_file import encode
from pointwise.model.frontends import DeiTNetwork, network_in_onnx
from pointwise.model.graph import Graph, run
from pointwise.model.graph.ops import Activation, Conv2d, Linear, MatMul, MaxPool
from pointwise.model.integer.rounding import INT8
from pointwise.model.models.made_up import PICTURES, made_up, made_up_images
from pointwise.model.networks import network as network_config
from pointwise.model.quantise import patchify
from pointwise.model.quantise.taken import changes_of
from tests.model.frontends.quantised_files import Net, Vision, answers, export, static
from tests.slow import few

COUNT = 24
CORE = {"rows": 8, "cols": 8, "max_tokens": 256, "act_kib": 64, "res_kib": 16}


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Tensor]:
    torch.manual_seed(0)
    images = torch.randn(COUNT, 3, 12, 12)
    return export(Net().eval(), images, tmp_path_factory.mktemp("onnx") / "net.onnx"), images


@pytest.mark.parametrize("per_channel", [True, False])
@pytest.mark.parametrize("activations", ["QInt8", "QUInt8"])
def test_weights_keep_their_integers(
    exported: tuple[Path, Tensor], activations: str, per_channel: bool
) -> None:
    images = exported[1]
    path = static(exported[0], images[:16], activations, per_channel)
    graph = onnx.load(path).graph
    assert "Relu" not in {node.op_type for node in graph.node}, "zero points stand for them"
    source = pw.load(path)
    network = pw.quantise(pw.calibrate(source, images[:16]))
    theirs = [numpy_helper.to_array(one) for one in graph.initializer]
    for name, wanted in zip(("stem", "inner", "last", "head"), _weights(theirs), strict=True):
        assert np.array_equal(network[name].weight.reshape(wanted.shape), wanted), name
    shown = images[16:].numpy()
    (wanted,) = answers(path, shown)
    found = pw.evaluate(network, source, shown)
    assert sqnr_db(wanted, source.results(images[16:])) > 25
    last = source.given[-1]  # beyond which onnxruntime's logits do not go
    limits = (last.step * (limit - last.zero_point) for limit in INT8)
    assert sqnr_db(wanted, found.logits_integer.clip(*limits)) > 38


def _weights(arrays: list[np.ndarray]) -> list[np.ndarray]:
    """Those of 8 bits by their shapes, the last layer's (N, K)."""
    by_shape = {one.shape: one for one in arrays if one.dtype == np.int8 and one.ndim > 1}
    return [by_shape[shape] for shape in ((8, 3, 3, 3), (8, 4, 3, 3), (16, 8, 3, 3), (5, 16))]


NODE = helper.make_node
SAID = '{"function": "relu", "offset": 0.0, "scale": 0.1, "zero": 0}'
FLOATS = {
    "none": np.float32(0),
    "scale": np.float32(0.1),
    "two": np.float32([0.1, 0.2]),
    "other": np.float32(0.3),
}
ZEROS = {"zero": np.int8(0), "wide": np.int16(0), "high": np.uint8(200)}
WEIGHTS = {
    "w": np.ones((2, 2), np.int8),
    "w8": np.ones((2, 2), ml_dtypes.float8_e4m3fn),
    "w32": np.ones((2, 2), np.int16),
    "table": np.arange(256).astype(np.uint8),
}
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
            [NODE("DequantizeLinear", ["w8", "scale"], ["r"]), NODE("MatMul", ["x", "r"], ["y"])],
            "reads a type of real numbers or of 4 bits, but weights of int8 or uint8 were expected",
        ),
        (
            [NODE("QuantizeLinear", ["x", "scale", "zero"], ["q"], block_size=2, axis=1)],
            "has 1 scales .*; quantise activations per tensor",
        ),
        (
            [NODE("Relu", ["x"], ["s"]), NODE("QuantizeLinear", ["x", "s", "zero"], ["q"])],
            "has a scale that depends on the input; give a file of fixed scales",
        ),
        (
            [NODE("QuantizeLinear", ["x", "none", "zero"], ["q"])],
            "has the scale 0, but a positive one was expected",
        ),
        (
            [pair()[0], NODE("QLinearConv", ["q", "scale", "zero", "w", *["scale", "zero"] * 2], ["y"])],
            "QLinearConv works on integers; give a file that dequantises in front",
        ),
        (
            [pair()[0], NODE("Gather", ["table", "q"], ["y"])],
            "looks integers up in a table without saying of which function",
        ),
        (
            [pair()[0], NODE("Gather", ["table", "q"], ["y"], doc_string=SAID)],
            "has another table than one of relu with the scales that it names",
        ),
        (
            [
                *pair()[:1],
                NODE("QuantizeLinear", ["x", "other", "zero"], ["r"]),
                NODE("Concat", ["q", "r"], ["y"], axis=-1),
            ],
            "puts integers of different scales side by side; give them one scale",
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


def emulated(network: Graph, images: np.ndarray) -> None:
    """Compare what the compiled program makes of an image with the integer model."""
    compiled, rows = pw.compile(network, **CORE), patchify(network, images[:1])[0]
    output = Emulator(compiled.image, compiled.config).run(compiled.pack_input(rows))
    assert np.array_equal(compiled.read_output(output)[network.output], run(network, rows)[network.output])


def power(exponent: int) -> np.ndarray:
    return np.array(2.0**exponent, np.float32)


def small_network(kind: type[np.integer]) -> onnx.ModelProto:
    """Convolutions and pooling of integers with scales that are powers of two.

    Weights are even and biases odd, so that no sum lies halfway between two integers; an int8 has other zero
    points than a uint8, and means the same.
    """
    rng, moved = np.random.default_rng(0), 0 if kind is np.int8 else 128
    held, nodes = {}, []
    zeros = {"x": 5, "a": -128, "m": -128, "b": 7, "c": -30}
    steps = {"x": -5, "a": -3, "m": -3, "b": -4, "c": -2}
    for name, zero in zeros.items():
        held |= {f"{name}.s": power(steps[name]), f"{name}.z": np.array(zero + moved, kind)}

    def rounded(name: str) -> None:
        pair = [f"{name}.s", f"{name}.z"]
        nodes.append(NODE("QuantizeLinear", [name, *pair], [f"{name}.q"]))
        nodes.append(NODE("DequantizeLinear", [f"{name}.q", *pair], [f"{name}.r"]))

    def convolved(source: str, name: str, shape: tuple[int, ...], **attributes: object) -> None:
        held[f"{name}.w"] = 2 * rng.integers(-60, 61, shape, np.int8)
        held[f"{name}.ws"] = 2.0 ** -rng.integers(8, 11, shape[0]).astype(np.float32)
        held[f"{name}.wz"] = np.zeros(shape[0], np.int8)
        held[f"{name}.bias"] = 2 * rng.integers(-2000, 2000, shape[0], np.int32) + 1
        held[f"{name}.bs"] = held[f"{name}.ws"] * 2.0 ** steps[source]
        nodes.append(
            NODE("DequantizeLinear", [f"{name}.{part}" for part in ("w", "ws", "wz")], [f"{name}.wr"], axis=0)
        )
        nodes.append(NODE("DequantizeLinear", [f"{name}.bias", f"{name}.bs"], [f"{name}.br"], axis=0))
        nodes.append(NODE("Conv", [f"{source}.r", f"{name}.wr", f"{name}.br"], [name], **attributes))
        rounded(name)

    rounded("x")
    convolved("x", "a", (8, 3, 3, 3), pads=[1, 1, 1, 1])
    nodes.append(NODE("MaxPool", ["a.r"], ["m"], kernel_shape=[2, 2], strides=[2, 2]))
    rounded("m")
    convolved("m", "b", (12, 4, 3, 3), pads=[1, 1, 1, 1], strides=[2, 2], group=2)
    convolved("b", "c", (6, 12, 1, 1))
    held["rows"] = np.array([1, 6, 9])
    nodes.append(NODE("Reshape", ["c.r", "rows"], ["flat"]))
    nodes.append(NODE("Transpose", ["flat"], ["y"], perm=[0, 2, 1]))
    shown = [helper.make_tensor_value_info("y", TensorProto.FLOAT, (1, 9, 6))]
    made = helper.np_dtype_to_tensor_dtype(np.dtype(kind))
    shown += [helper.make_tensor_value_info(f"{name}.q", made, None) for name in "abcm"]
    given = [helper.make_tensor_value_info("x", TensorProto.FLOAT, (1, 3, 12, 12))]
    arrays = [numpy_helper.from_array(np.asarray(value), name) for name, value in held.items()]
    graph = helper.make_graph(nodes, "small", given, shown[:1], arrays)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    model.graph.output.extend(shown[1:])
    return model


@pytest.mark.parametrize("kind", [np.int8, np.uint8])
def test_integers_are_those_that_onnxruntime_computes(kind: type[np.integer], tmp_path: Path) -> None:
    """Every byte of every value but the last, whose 16 bits it rounds to bytes."""
    model, path = small_network(kind), tmp_path / "small.onnx"
    whole = model.SerializeToString()
    del model.graph.output[1:]
    path.write_bytes(model.SerializeToString())
    source = pw.load(path)
    images = np.random.default_rng(1).normal(0, 1.2, (24, 3, 12, 12)).astype(np.float32)
    network = pw.quantise(pw.calibrate(source, images[:16]))
    taken, changes = changes_of(network)
    assert (taken, [one.name for one in changes]) == (7, ["c"])
    integers = run(network, patchify(network, images))
    shown = [answers(whole, image[None], ["a.q", "m.q", "b.q", "y"]) for image in images]
    wanted = [np.concatenate(parts).astype(np.int64) for parts in zip(*shown, strict=True)]
    moved = 0 if kind is np.int8 else 128
    convolutions = [op for op in network.ops if isinstance(op, Conv2d | Linear | MaxPool)]
    for op, exact in zip(convolutions[:3], wanted[:3], strict=True):
        rows = exact.reshape(*exact.shape[:2], -1).swapaxes(1, 2)
        assert np.array_equal(integers[op.name] + moved, rows), op.name
    last = np.concatenate([one[-1] for one in shown])
    real = network.real(network.output, integers[network.output])
    assert np.abs(real - last).max() <= 0.5 * 2.0**-2 + 1e-3
    emulated(network, images)


def test_what_was_changed_is_told(exported: tuple[Path, Tensor]) -> None:
    images = exported[1]
    network = pw.quantise(pw.calibrate(pw.load(static(exported[0], images[:16], "QInt8")), images[:16]))
    taken, changes = changes_of(network)
    told = {one.name: one for one in changes}
    assert taken == 10 and len(told) == 2
    assert "sum of bytes" in told["/Add_output_0"].reason
    assert "int16" in next(one.made for one in changes if "16 bits" in one.reason)
    # The factor between the scales of a sum is one of the core's.
    add, old = network["add"], network[network["add"].inputs[1]]
    assert np.isclose(add.quantisation.scale, old.quantisation.scale * 2**add.shift / add.factor)


def test_zero_points_that_leave_int8_are_rounded_anew(exported: tuple[Path, Tensor]) -> None:
    images = exported[1]
    path = static(exported[0], images[:16], "QUInt8", False, "QUInt8")
    source = pw.load(path)
    assert not source.fixed.weights or len(source.fixed.weights) < 5
    network = pw.quantise(pw.calibrate(source, images[:16]))
    (wanted,) = answers(path, images[16:].numpy())
    assert sqnr_db(wanted, pw.evaluate(network, source, images[16:].numpy()).logits_integer) > 30


@pytest.mark.parametrize(
    ("activations", "fused", "options"),
    [("QInt8", False, {}), ("QUInt8", True, {}), ("QInt8", False, {"ActivationSymmetric": True})],
)
def test_a_vision_transformer_comes_in(
    activations: str, fused: bool, options: dict[str, bool], tmp_path: Path
) -> None:
    """It is closer to the float network than onnxruntime, from which it is as far as that is."""
    torch.manual_seed(0)
    images = torch.randn(48, 3, 12, 12)
    path = export(Vision(fused).eval(), images, tmp_path / "net.onnx")
    path = static(path, images[:24], activations, **options)
    source = pw.load(path)
    network = pw.quantise(pw.calibrate(source, images[:24]))
    shown = images[24:].numpy()
    (wanted,) = answers(path, shown)
    found = pw.evaluate(network, source, shown).logits_integer
    exact = source.results(images[24:])
    assert sqnr_db(exact, found) > sqnr_db(exact, wanted) > 20
    assert sqnr_db(wanted, found) > sqnr_db(exact, wanted) - 2
    assert (wanted.argmax(1) == found.argmax(1)).mean() > 0.8
    taken, changes = changes_of(network)
    reasons = Counter(one.reason for one in changes)
    assert sum(count for reason, count in reasons.items() if "γ and β" in reason) == 5
    assert sum(count for reason, count in reasons.items() if "residual stream" in reason) == 9
    # What the core can carry is as it was given: the results of GELU, values and contexts of attention.
    changed = {one.name for one in changes}
    owners = {name: one.name for one in source.given for name in one.operators}
    for op in source.graph.ops:
        if isinstance(op, Activation) or op.layer.endswith((".v", ".o")):
            assert owners[op.name] not in changed, op.name
    assert taken >= 10
    emulated(network, shown)


def test_the_projects_own_file_comes_back(tmp_path: Path) -> None:
    """With all its weights, steps and zero points, also those of contexts, whose channels differ here."""
    checkpoint, data = load_checkpoint(MICRO_DIGITS, network_config("micro")), digits.load()
    images = data.calibration.normalised()
    integers = DeiTNetwork(checkpoint.config, checkpoint.state, "micro").quantise(images[:64])
    path = tmp_path / "micro.onnx"
    path.write_bytes(encode(integers))
    source = pw.load(path)
    network = pw.quantise(pw.calibrate(source, images[:64]))
    taken, changes = changes_of(network)
    assert taken > 100 and not changes
    assert any(isinstance(op, MatMul) and np.ptp(op.quantisation.scale) > 0 for op in network.ops), "contexts"
    # fc2 reads two tables side by side, and is two layers then.
    ours = [op for op in network.ops if isinstance(op, Linear) and ".fc2" not in op.name]
    assert len(ours) > 40 and all(np.array_equal(op.weight, integers[op.name].weight) for op in ours)
    shown = data.held_out.normalised()[:64]
    wanted = answers(path.read_bytes(), shown, ["logits"])[0]
    found = pw.evaluate(network, source, shown).logits_integer
    assert sqnr_db(wanted, found) > 36 and (wanted.argmax(1) == found.argmax(1)).mean() > 0.98


@pytest.mark.parametrize("name", few(("resnet20", "mobilenet_v2"), ("resnet20",)))
def test_the_projects_own_file_of_pictures_comes_back(
    name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """With all its values and weights, and no operator more; factors of 16 bits may differ by their last."""
    small = replace(PICTURES[name], size=(64, 64))
    monkeypatch.setitem(PICTURES, name, small)
    real = made_up(name)
    images = made_up_images(real, 8).numpy()
    integers = pw.quantise(pw.calibrate(real, images, batch=4))
    path = tmp_path / "own.onnx"
    path.write_bytes(encode(integers))
    source, given = pw.load(path), patchify(integers, images)
    scale = integers.input.quantisation
    shown = (scale.step * (given - scale.zero_point)).astype(np.float32)
    network = pw.quantise(pw.calibrate(source, shown))
    taken, changes = changes_of(network)
    assert taken > 40 and not changes and len(network) == len(integers)
    layers = [op for op in integers.ops if isinstance(op, Conv2d | Linear)]
    theirs = [op for op in network.ops if isinstance(op, Conv2d | Linear)]
    for one, other in zip(layers, theirs, strict=True):
        assert one.name == other.name and np.array_equal(one.weight, other.weight), one.name
        if one.dtype == "int8" == other.dtype:
            assert np.allclose(one.quantisation.step, other.quantisation.step, 1e-6), one.name
    wanted, found = (run(one, given) for one in (integers, network))
    first = layers[0].name
    assert np.abs(wanted[first].astype(np.int64) - found[first]).max() <= 1
    logits = [one.real(one.output, made[one.output]) for one, made in ((integers, wanted), (network, found))]
    assert sqnr_db(*logits) > 35


def test_weights_that_were_changed_are_told(exported: tuple[Path, Tensor], tmp_path: Path) -> None:
    """Behind a LayerNorm they take in its γ; a zero point brings others out of ±127."""
    torch.manual_seed(0)
    images = torch.randn(24, 3, 12, 12)
    path = static(export(Vision().eval(), images, tmp_path / "net.onnx"), images, "QInt8")
    _, changes = changes_of(pw.quantise(pw.calibrate(pw.load(path), images)))
    reasons = Counter(one.reason for one in changes if "rounded anew" in one.made)
    assert reasons == {"takes in γ of the LayerNorm in front of it": 5}
    path = static(exported[0], exported[1][:16], "QUInt8", False, "QUInt8")
    _, changes = changes_of(pw.quantise(pw.calibrate(pw.load(path), exported[1][:16])))
    told = [one for one in changes if "zero point, without which" in one.reason]
    assert told and all(one.given.startswith("uint8, step") for one in told)


def test_integers_of_a_part_are_not_those_of_the_whole(tmp_path: Path) -> None:
    """Of two values side by side, where the first lacks a channel, the second alone has them."""
    rng, pair = np.random.default_rng(0), ["scale", "zero"]
    held = {name: rng.normal(size=(4, 4)).astype(np.float32) for name in ("first", "second")}
    held |= {"last": rng.normal(size=(7, 3)).astype(np.float32), "those": np.arange(1, 4)}
    held |= {"scale": power(-4), "zero": np.int8(0)}
    nodes = [
        NODE("MatMul", ["x", "first"], ["a"], name="/first/MatMul"),
        NODE("MatMul", ["x", "second"], ["b"], name="/second/MatMul"),
        NODE("Gather", ["a", "those"], ["part"], axis=2),
        NODE("Concat", ["part", "b"], ["c"], axis=2),
        NODE("QuantizeLinear", ["c", *pair], ["q"]),
        NODE("DequantizeLinear", ["q", *pair], ["r"]),
        NODE("MatMul", ["r", "last"], ["y"]),
    ]
    shapes = {"x": (1, 5, 4), "y": (1, 5, 3)}
    given, made = (
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)] for name, shape in shapes.items()
    )
    arrays = [numpy_helper.from_array(np.asarray(value), name) for name, value in held.items()]
    graph = helper.make_graph(nodes, "parts", given, made, arrays)
    onnx.save(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8),
        tmp_path / "net.onnx",
    )
    (found,) = pw.load(tmp_path / "net.onnx").given
    assert found.operators == ("second.matmul",)
