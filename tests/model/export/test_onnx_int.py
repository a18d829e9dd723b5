"""ONNX in integers: onnxruntime gives every tensor of the integer model, bit for bit."""

import json
from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch

import pointwise as pw
from pointwise.hw.contract.errors import PointwiseError
from pointwise.hw.contract.tables import rsqrt_table
from pointwise.model.compiler.random_network import random_image, random_network
from pointwise.model.compiler.random_pictures import random_pictures
from pointwise.model.graph import Graph, Op, run
from pointwise.model.graph.ops import OPS, Input, LayerNorm, Linear, Slice
from pointwise.model.graph.value import LIMITS
from pointwise.model.integer import interpolation, layernorm, rounding, softmax
from pointwise.model.integer.layernorm import NormConstants
from pointwise.model.models.made_up import made_up, made_up_images
from pointwise.model.quantise import LayerConfig, Recipe, patchify
from pointwise.model.synthetic import synthetic_images
from tests.model.export.conftest import CONFIG
from tests.model.export.test_onnx_ops import by_hand
from tests.model.frontends import modules

onnx = pytest.importorskip("onnx", reason="install the extra onnx")
ort = pytest.importorskip("onnxruntime", reason="install the extra dev")

from pointwise.model.export import onnx_int  # noqa: E402
from pointwise.model.export.onnx_int.file import built, shown  # noqa: E402
from pointwise.model.export.onnx_int.graph import IntegerGraph, Value  # noqa: E402
from pointwise.model.export.onnx_int.interpolation import reciprocal, reciprocal_sqrt  # noqa: E402
from pointwise.model.export.onnx_int.layernorm import normalised  # noqa: E402
from pointwise.model.export.onnx_int.ops import INTEGER_OPS  # noqa: E402
from pointwise.model.export.onnx_int.rounding import round_shift, round_shift_by, saturate  # noqa: E402
from pointwise.model.export.onnx_int.softmax import divide, exponentials  # noqa: E402

RNG = np.random.default_rng(0)
QUICK = Recipe(LayerConfig(rounding="nearest", factors="range"))


def session(model: "onnx.ModelProto | bytes"):
    data = model if isinstance(model, bytes) else model.SerializeToString()
    return ort.InferenceSession(data, providers=["CPUExecutionProvider"])


def every_value(network: Graph, given: np.ndarray, model: "onnx.ModelProto | None" = None) -> dict:
    """All values of the network, as onnxruntime computes them."""
    model = model or built(network)
    there = {value.name for value in [*model.graph.output, *model.graph.input]}
    for name, value in network.values.items():
        if name not in there:
            model.graph.output.append(shown(Value(name, value.dtype, value.tokens, value.channels)))
    running = session(model)
    names = [output.name for output in running.get_outputs()]
    return dict(zip(names, running.run(names, {running.get_inputs()[0].name: given}), strict=True))


def differing(network: Graph, found: dict, rows: np.ndarray) -> list[str]:
    """The values that are not those of the integer model, in its order."""
    expected, wrong = run(network, rows), []
    for name, values in found.items():
        wanted = expected[name] if expected[name].ndim == 3 else expected[name][None]
        assert values.dtype == network.values[name].dtype, name
        if not np.array_equal(values, wanted):
            wrong.append(name)
    return [name for name in expected if name in wrong]


# Whole networks --------------------------------------------------------------------------------------------


def inputs_of(network: Graph, count: int, seed: int = 3) -> np.ndarray:
    """Integers as a network takes them: at random, and for the first its extremes."""
    low, high = LIMITS[network.input.dtype]
    rows = np.random.default_rng(seed).integers(low, high + 1, (count, *network.input.shape))
    rows[0], rows[1] = np.where(np.arange(rows[0].size).reshape(rows[0].shape) % 3, low, high), high
    return rows.astype(network.input.dtype)


def test_every_kind_of_operator_is_there() -> None:
    assert set(INTEGER_OPS) == {type(op) for op in by_hand().ops} - {Input} == set(OPS.values()) - {Input}


def test_every_operator_is_exact() -> None:
    network, rows = by_hand(), inputs_of(by_hand(), 20)
    found = every_value(network, rows)
    assert len(found) == len(network) - 1  # all but the input
    assert differing(network, found, rows) == []


@pytest.mark.parametrize("make", [random_network, random_pictures])
@pytest.mark.parametrize("seeds", [range(12), range(12, 24)], ids=["first", "second"])
def test_random_networks_are_exact(make, seeds: range) -> None:
    for seed in seeds:
        network = make(seed)
        rows = np.stack([random_image(network, one) for one in range(2)]).astype(network.input.dtype)
        assert differing(network, every_value(network, rows), rows) == [], seed


def of_images(network: Graph, images: np.ndarray) -> list[str]:
    """What differs when a network gets images, which the file brings to integers itself."""
    found = every_value(network, images.astype(np.float32))
    assert network.input.name in found
    return differing(network, found, patchify(network, images))


def test_a_deit_is_exact_from_its_image_on(distilled: Graph) -> None:
    images = synthetic_images(CONFIG, 3, seed=5).numpy()
    images[0] *= 1000  # all of it beyond the calibrated range
    images[1, :, ::2] = -images[1, :, ::2]
    assert of_images(distilled, images) == []


def test_a_resnet_is_exact_from_its_image_on() -> None:
    source = made_up("resnet20")
    images = made_up_images(source, 4)
    network = pw.quantise(pw.calibrate(source, images[:2], recipe=QUICK))
    assert of_images(network, images[2:].numpy()) == []


def test_a_network_with_norms_behind_its_sums_is_exact() -> None:
    torch.manual_seed(0)
    source = pw.load(modules.encoder(False).eval(), torch.zeros(1, 5, modules.DIM))
    inputs = torch.randn(20, *source.input_shape)
    network = pw.quantise(pw.calibrate(source, inputs[:16]))
    assert sum(isinstance(op, LayerNorm) for op in network.ops) >= 2
    assert of_images(network, inputs[16:].numpy()) == []


def test_the_file_says_what_its_result_means(distilled: Graph) -> None:
    data = onnx_int.encode(distilled)
    running, how = session(data), distilled[distilled.output].quantisation
    kept = running.get_modelmeta().custom_metadata_map
    said = {name: np.array(json.loads(text)) for name, text in kept.items()}
    images = synthetic_images(CONFIG, 2, seed=6).numpy()
    (found,) = running.run(None, {"image.real": images})
    real = said["output.scale"] * (found - said["output.zero_point"]) + said["output.offset"]
    assert np.array_equal(real, how.real(found)) and onnx_int.encode(distilled) == data


def test_only_integers_compute_behind_the_input(distilled: Graph) -> None:
    """Nothing is a float from the network's first integers on; a type is told by shape inference."""
    model = onnx.shape_inference.infer_shapes(built(distilled))
    floats = {onnx.TensorProto.FLOAT, onnx.TensorProto.DOUBLE, onnx.TensorProto.FLOAT16}
    names = [value.name for value in model.graph.value_info if value.type.tensor_type.elem_type in floats]
    assert names and all(name.startswith("image/") for name in names)
    held = [one.name for one in model.graph.initializer if one.data_type in floats]
    assert all(name.startswith("image/") for name in held)
    kinds = {node.op_type for node in model.graph.node}
    assert {"MatMulInteger", "Gather", "BitShift"} <= kinds and not {"MatMul", "Softmax", "Div"} & (
        kinds - {node.op_type for node in model.graph.node if node.name.startswith("image/")}
    )


@pytest.mark.parametrize(
    ("field", "more"), [("bias", 9), ("mult", 9000), ("shift", 1), ("table", 1), ("weight", 9)]
)
def test_one_wrong_number_is_found(field: str, more: int) -> None:
    """What another constant would do is seen: so the comparison can fail."""
    network, rows = by_hand(), inputs_of(by_hand(), 20)
    name = "v" if field == "table" else "q"
    numbers = getattr(network[name], field).astype(np.int64)
    numbers.reshape(-1)[3] += more
    other = network.changed({name: replace(network[name], **{field: numbers})})
    assert differing(network, every_value(other, rows), rows)[0] == name


@dataclass(frozen=True, eq=False)
class Doubled(Op):
    """An operator that the export does not know."""

    infer = Slice.infer
    first, count = 0, 1


def test_unknown_operators_are_refused() -> None:
    network = by_hand()
    with pytest.raises(PointwiseError, match="integers does not know Doubled, the operator of first; export"):
        onnx_int.encode(network.changed({"first": Doubled("first", ("hidden",))}))


def test_a_network_that_is_not_sound_is_refused() -> None:
    network = by_hand()
    assert isinstance(network["q"], Linear)
    with pytest.raises(PointwiseError, match="Linear q has bias of none"):
        onnx_int.encode(network.changed({"q": replace(network["q"], bias=None)}))


# Functions by themselves, over all that they can be given ---------------------------------------------------


def computed(function, *arrays: np.ndarray) -> list[np.ndarray]:
    """What onnxruntime makes of int64 arrays by nodes that a function adds."""
    graph, names = IntegerGraph(), [f"given{index}" for index in range(len(arrays))]
    with graph.of("function"):
        made = function(graph, *names)
    made = made if isinstance(made, tuple) else (made,)
    integers = onnx.TensorProto.INT64
    model = onnx.helper.make_model(
        onnx.helper.make_graph(
            list(graph.nodes.values()),
            "functions",
            [
                onnx.helper.make_tensor_value_info(name, integers, part.shape)
                for name, part in zip(names, arrays, strict=True)
            ],
            [onnx.helper.make_tensor_value_info(name, integers, None) for name in made],
            list(graph.constants.values()),
        ),
        opset_imports=[onnx.helper.make_opsetid("", 17)],
        ir_version=8,
    )
    return session(model).run(None, dict(zip(names, arrays, strict=True)))


def around_powers(bits: int, shape: tuple[int, ...]) -> np.ndarray:
    """Numbers of all sizes below 2^bits, most of them near a power of two."""
    near = (1 << RNG.integers(0, bits, shape)) + RNG.integers(-2, 3, shape)
    return np.where(RNG.random(shape) < 0.7, near, RNG.integers(1, 1 << bits, shape)).clip(1, (1 << bits) - 1)


def test_rounding_is_that_of_the_model() -> None:
    values = around_powers(60, (40, 70)) * RNG.choice([-1, 1], (40, 70))
    values[0, :9] = [0, 1, -1, 2, -2, 3, -3, (1 << 60) - 1, 1 - (1 << 60)]
    for shift in (1, 2, 31, 33, 61):
        (found,) = computed(lambda graph, value, by=shift: round_shift(graph, value, by), values)
        assert np.array_equal(found, rounding.round_shift(values, shift)), shift
    by = RNG.integers(1, 64, (40, 1))
    (found,) = computed(round_shift_by, values >> 26, by)
    assert np.array_equal(found, rounding.round_shift(values >> 26, by))
    (found,) = computed(lambda graph, value: saturate(graph, value, (-128, 127)), values)
    assert np.array_equal(found, rounding.saturate(values, -128, 127))


def test_reciprocals_are_those_of_the_model() -> None:
    every = np.arange(1, 1 << 20, dtype=np.int64)[:, None]
    for found, expected in zip(computed(reciprocal, every), interpolation.reciprocal(every), strict=True):
        assert np.array_equal(found, expected)
    some = around_powers(44, (100_000, 1))
    segments = np.arange(len(rsqrt_table()) * 8)[:, None] + (1 << 17)
    some = np.concatenate([some, segments])
    both = computed(reciprocal_sqrt, some), interpolation.reciprocal_sqrt(some)
    for found, expected in zip(*both, strict=True):
        assert np.array_equal(found, expected)


@pytest.mark.parametrize(
    "constants", [(1, 9, 65535, 26, (1 << 32) - 1), (65535, 20, 40000, 0, 0), (0, 63, 1, 3, 1)]
)
def test_layer_norm_is_that_of_the_model(constants: tuple[int, ...]) -> None:
    how = NormConstants(*constants)
    values = RNG.integers(-32768, 32768, (2, 50, 33))
    values[0, 0], values[0, 1], values[0, 2] = 32767, -32768, 0
    values[0, 3] = np.where(np.arange(33) % 2, 32767, -32768)
    for channel_shift in (None, RNG.integers(0, 16, 33)):
        (found,) = computed(lambda graph, value, by=channel_shift: normalised(graph, value, how, by), values)
        sums = layernorm.statistics(*layernorm.token_sums(values), how)
        shift = np.int64(0) if channel_shift is None else channel_shift
        assert np.array_equal(found, layernorm.normalise(values, *sums, shift))


def test_softmax_is_that_of_the_model() -> None:
    scores, table = RNG.integers(-128, 128, (3, 20, 40)), RNG.integers(0, 256, 256)
    (found,) = computed(lambda graph, value: exponentials(graph, value, table), scores)
    assert np.array_equal(found, softmax.exponentials(scores, scores.max(-1), table))
    weights, keys = RNG.integers(0, 256, (3, 20, 4096)), RNG.integers(-128, 128, (3, 4096, 5))
    weights[0, 0], weights[0, 1], keys[0, :, 0] = 0, 255, -128
    acc = weights @ keys
    (found,) = computed(divide, acc, weights)
    assert np.array_equal(found, softmax.divide(acc, weights.sum(-1)))
