"""A network that is no DeiT as ONNX: every kind of operator, value by value, on onnxruntime."""

from dataclasses import dataclass, replace

import numpy as np
import pytest

from pointwise.hw.contract.errors import PointwiseError
from pointwise.model.export.onnx_file import encode
from pointwise.model.export.onnx_ops import ONNX_OPS
from pointwise.model.graph import Graph, Op, Quantisation, run
from pointwise.model.graph.ops import (
    OPS,
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
from pointwise.model.graph.window import Window
from pointwise.model.integer.layernorm import NormConstants
from pointwise.model.quantise.exponentials import exp_table

onnx = pytest.importorskip("onnx", reason="install the extra onnx")
ort = pytest.importorskip("onnxruntime", reason="install the extra dev")

TOKENS, INPUTS, WIDTH = 6, 5, 8
STEP = 2.0**-6
TABLE = (np.arange(256).astype(np.int8).clip(0) // 2).astype(np.uint8)
NORM = NormConstants(mean_mult=1 << 15, mean_shift=18, norm_mult=36636, norm_shift=8, epsilon=1)


def factors(name: str, channels: int, shift: int, step: float = STEP) -> dict[str, object]:
    """Requantisation by 2^−shift.

    Weights are even and biases odd, so that no sum is halfway between two results; steps are powers of two:
    float32 then rounds to the same integers as the integer model.
    """
    rng = np.random.default_rng([*name.encode()])
    return {
        "bias": (2 * rng.integers(-25, 25, channels) + 1).astype(np.int32),
        "mult": np.full(channels, 1 << 15, np.uint16),
        "shift": np.full(channels, 15 + shift, np.uint8),
        "quantisation": Quantisation(step),
    }


def linear(name: str, source: str, size: tuple[int, int], shift: int, dtype: str = "int8") -> Linear:
    """One of ``size`` (N, K)."""
    rng = np.random.default_rng([1, *name.encode()])
    weight = (2 * rng.integers(-15, 16, size)).astype(np.int8)
    return Linear(name, (source,), weight, dtype=dtype, **factors(name, size[0], shift))


def conv2d(
    name: str,
    source: str,
    size: tuple[int, int],
    window: Window,
    groups: int,
    shift: int,
    dtype: str = "int8",
    pad: int = 0,
) -> Conv2d:
    """One of ``size`` (N, K) channels, K of them in a group."""
    rng = np.random.default_rng([2, *name.encode()])
    weight = (2 * rng.integers(-15, 16, (*size, *window.kernel))).astype(np.int8)
    own = factors(name, size[0], shift)
    return Conv2d(name, (source,), window, groups, weight, dtype=dtype, pad=pad, **own)


def by_hand() -> Graph:
    """Keys and values of the input, some rows of two heads, tables that are signed and unsigned."""
    rng = np.random.default_rng(0)
    step, positions = Quantisation(STEP), rng.integers(-900, 900, (TOKENS, WIDTH)).astype(np.int16)
    ops = (
        Input("tokens", shape=(TOKENS, INPUTS), quantisation=Quantisation(STEP / 2)),
        Constant("x", values=positions, quantisation=step),
        linear("embed", "tokens", (WIDTH, INPUTS), 1, "int16"),
        Add("embedded", ("x", "embed"), quantisation=step),
        LayerNorm("norm", ("embedded",), NORM, rng.integers(0, 3, WIDTH)),
        linear("q", "norm", (4, WIDTH), 7),
        linear("k", "tokens", (4, INPUTS), 7),
        linear("u", "tokens", (4, INPUTS), 7),
        Activation("v", ("u",), TABLE.astype(np.int8), quantisation=Quantisation(STEP * 4)),
        MatMul("s", ("q", "k"), transposed=True, **factors("s", TOKENS, 6)),
        Softmax("e", ("s",), exp_table(STEP)),
        MatMul("o", ("e", "v"), divide=True, **factors("o", 4, 10, STEP / 2)),
        Concat("heads", ("o", "v"), quantisation=Quantisation(STEP * 2)),
        Slice("some", ("heads",), 1, 2, quantisation=Quantisation(STEP * 2)),
        linear("mix", "some", (WIDTH, 8), 2, "int16"),
        Slice("old", ("embedded",), 3, 2, quantisation=step),
        Add("mixed", ("mix", "old"), quantisation=step),
        LayerNorm("last", ("mixed",), NORM),
        linear("index", "last", (7, WIDTH), 6),
        Activation("hidden", ("index",), TABLE + 20, "uint8", quantisation=Quantisation(STEP, 20)),
        Slice("first", ("hidden",)),
        linear("head", "first", (3, 7), 2, "int16"),
        conv2d("picture", "tokens", (4, INPUTS), Window((3, 2), (2, 2), (1, 1), (1, 0, 0, 1)), 1, 7),
        MaxPool("largest", ("picture",), Window((3, 2), (2, 1), (1, 1), (0, 0, 1, 0)), quantisation=step),
        conv2d("fine", "largest", (4, 2), Window((3, 2), (1, 1)), 2, 3, "int16"),
        Add("both", ("fine", "largest"), "uint8", 3, 4, quantisation=Quantisation(STEP, 40)),
        conv2d("down", "both", (4, 4), Window((3, 2), (3, 1), (2, 1), (1, 0, 0, 0)), 1, 5, pad=40),
        MeanPool("mean", ("down",), 1, **factors("mean", 4, 0)),
    )
    return Graph("by_hand", ops, "head")


def shown(integers: Graph, tokens: np.ndarray, *names: str) -> dict[str, np.ndarray]:
    """What onnxruntime makes of values, in steps."""
    model = onnx.load_from_string(encode(integers))
    kinds = {"int8": ("INT8", ""), "uint8": ("UINT8", ""), "int16": ("FLOAT", ".real")}
    asked = []
    for name in names:
        kind, suffix = kinds[integers.values[name].dtype]
        asked.append(f"{name}{suffix}")
        kind = onnx.TensorProto.DataType.Value(kind)
        model.graph.output.append(onnx.helper.make_tensor_value_info(asked[-1], kind, None))
    session = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    values = dict(zip(names, session.run(asked, {"tokens": tokens}), strict=True))
    return {
        name: found / STEP if integers.values[name].dtype == "int16" else found
        for name, found in values.items()
    }


PICTURES = ("picture", "largest", "both", "down", "mean")
STREAM = ("embed", "embedded", "mix", "mixed", "head")
NAMES = (*"qkuvso", *PICTURES, *STREAM, "heads", "some", "index", "hidden", "first")


@pytest.fixture(scope="module")
def tensors() -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """What onnxruntime computes, in steps, and what the integer model does, by operator."""
    integers = by_hand()
    tokens = np.random.default_rng(1).integers(-128, 128, (20, TOKENS, INPUTS)).astype(np.int8)
    return shown(integers, tokens, *NAMES), run(integers, tokens)


def test_every_kind_of_operator_is_there():
    assert set(ONNX_OPS) == {type(op) for op in by_hand().ops} - {Input} == set(OPS.values()) - {Input}


@pytest.mark.parametrize("name", ["k", "u", "v", "picture", "largest"])
def test_products_and_tables_are_exact(tensors, name: str):
    found, expected = tensors
    assert np.array_equal(found[name], expected[name])
    assert np.ptp(expected[name]) > 30


def test_the_residual_stream_lacks_its_rounding_alone(tensors):
    found, expected = tensors
    assert np.abs(found["embedded"] - expected["embedded"]).max() == 0.5
    changed = found["mixed"] - found["embedded"][:, 3:5]
    assert np.allclose(changed, found["mix"], atol=2.0**-10)
    assert changed.any(axis=(0, 2)).all()


def test_what_moves_numbers_leaves_them_as_they_are(tensors):
    found, _ = tensors
    assert np.array_equal(found["heads"], np.concatenate([found["o"], found["v"]], axis=-1))
    assert np.array_equal(found["some"], found["heads"][:, 1:3])
    assert np.array_equal(found["first"], found["hidden"][:, :1])


@pytest.mark.parametrize("name", ["q", "s", "o", "heads", "index", "hidden", "both", "down", "mean"])
def test_what_comes_after_norms_and_softmax_is_near(tensors, name: str):
    """LayerNorm and softmax are other functions here, which may move a rounding; and halves are rounded to
    even numbers here, up there, where what is added is all kinds of numbers."""
    found, expected = tensors
    difference = np.abs(found[name].astype(int) - expected[name])
    assert difference.max() <= 2 and (difference == 0).mean() > 0.9
    assert np.ptp(expected[name]) > 30


@pytest.mark.parametrize("name", ["mixed", "head"])
def test_what_is_added_is_near(tensors, name: str):
    found, expected = tensors
    assert found[name].shape == expected[name].shape
    assert np.abs(found[name] - expected[name]).max() < 0.02 * np.ptp(expected[name])


def test_scales_that_do_not_agree_are_no_other_network(tensors):
    """What is added or stands side by side shares a step, whatever the operators' own are."""
    integers, (found, _) = by_hand(), tensors
    others = {
        name: replace(integers[name], quantisation=Quantisation(STEP * 8))
        for name in ("embed", "x", "mix", "o", "v", "u", "head")
    }
    tokens = np.random.default_rng(1).integers(-128, 128, (20, TOKENS, INPUTS)).astype(np.int8)
    again = shown(integers.changed(others), tokens, "heads", "mixed", "hidden")
    for name, values in again.items():
        assert np.allclose(values, found[name], rtol=0, atol=2.0**-8), name


def test_one_token_is_squeezed_and_several_are_not():
    integers = by_hand()
    given = {"tokens": np.zeros((2, TOKENS, INPUTS), np.int8)}
    for output, shape in (("head", (2, 3)), ("mixed", (2, 2, WIDTH)), ("hidden", (2, 2, 7))):
        data = encode(replace(integers, output=output))
        (logits,) = ort.InferenceSession(data, providers=["CPUExecutionProvider"]).run(["logits"], given)
        assert logits.shape == shape


@dataclass(frozen=True, eq=False)
class Doubled(Op):
    """An operator that the export does not know."""

    infer = Slice.infer
    first, count = 0, 1


@pytest.mark.parametrize(
    ("name", "values", "words"),
    [
        ("e", {"table": np.arange(256, dtype=np.uint8)}, "The table of e is not the exponential"),
        ("v", {"quantisation": Quantisation(1, 3)}, "attention of o reads a tensor with a zero point"),
        (
            "head",
            {"bias": np.full(3, 2**31 - 1, np.int32), "weight": np.full((3, 7), 30, np.int8)},
            "A bias of head does not fit 32 bits",
        ),
        ("q", {"bias": None}, "Linear q has bias of none"),
    ],
)
def test_what_onnx_cannot_say_is_refused(name: str, values: dict[str, object], words: str):
    integers = by_hand()
    with pytest.raises(PointwiseError, match=words):
        encode(integers.changed({name: replace(integers[name], **values)}))


def test_unknown_operators_are_refused():
    integers = by_hand()
    with pytest.raises(PointwiseError, match="ONNX does not know Doubled, the operator of first; export it"):
        encode(integers.changed({"first": Doubled("first", ("hidden",))}))


def test_names_that_are_taken_are_told():
    integers = by_hand()
    ops = (*integers.ops[:-1], replace(integers["head"], name="logits", dtype="int8"))
    with pytest.raises(PointwiseError, match="makes two values called logits; give the operator"):
        encode(replace(integers, ops=ops, output="logits"))
