"""A network that is no DeiT as ONNX: every form of layer, tensor by tensor, on onnxruntime."""

from dataclasses import replace

import numpy as np
import pytest

from hw.contract.errors import PointwiseError
from hw.contract.isa import Prologue, Stationary
from model.export.onnx_file import encode
from model.integer.layernorm import NormConstants
from model.integer.network import IntegerNetwork, Layer, run
from model.quantise.score_plan import exp_table

onnx = pytest.importorskip("onnx", reason="install the extra onnx")
ort = pytest.importorskip("onnxruntime", reason="install the extra dev")

TOKENS, INPUTS, WIDTH = 6, 5, 8
STEP = 2.0**-6
TABLE = (np.arange(256).astype(np.int8).clip(0) // 2).astype(np.uint8)
NORM = NormConstants(mean_mult=1 << 15, mean_shift=18, norm_mult=36636, norm_shift=8, epsilon=1)


def layer(
    name: str, reads: tuple[str, ...], output: str, size: tuple[int, int], shift: int, **rest: object
) -> Layer:
    """One of ``size`` (N, K), of the factor 2^−shift.

    Weights are even and biases odd, so that no sum is halfway between two results; steps are powers of two:
    float32 then rounds to the same integers as the integer model.
    """
    rng = np.random.default_rng([*name.encode()])
    channels, k = size
    values = {
        "bias": (2 * rng.integers(-25, 25, channels) + 1).astype(np.int32),
        "mult": np.full(channels, 1 << 15, np.uint16),
        "shift": np.full(channels, 15 + shift, np.uint8),
        "weight": (2 * rng.integers(-15, 16, size)).astype(np.int8) if k else None,
        "scale": STEP,
    }
    return Layer(name, reads, output, **(values | rest))


def by_hand() -> IntegerNetwork:
    """Keys and values of the input, rows that change alone, tables that are signed and unsigned."""
    rng = np.random.default_rng(0)
    normalise = {"prologue": Prologue.NORMALISE}
    keys = {"stationary": Stationary.KEYS, "stationary_input": "k", "row_max": True}
    values = {"stationary": Stationary.VALUES, "stationary_input": "v", "divide": True}
    softmax = {"prologue": Prologue.EXPONENTIAL, "exp_table": exp_table(STEP), "scale": STEP / 2}
    rows = {"first_token": 1, "count": 2, "output_token": 3}
    residual = {"residual": True, "add": True, "norm": NORM}
    unsigned = {"table": TABLE + 20, "out_unsigned": True, "zero_point": 20}
    layers = (
        layer("embed", ("tokens",), "x", (WIDTH, INPUTS), 1, **residual),
        layer("q", ("x",), "q", (4, WIDTH), 7, channel_shift=rng.integers(0, 3, WIDTH), **normalise),
        layer("k", ("tokens",), "k", (4, INPUTS), 7),
        layer("v", ("tokens",), "v", (4, INPUTS), 7, table=TABLE.astype(np.int8), scale=STEP * 4),
        layer("s", ("q",), "s", (TOKENS, 0), 6, **keys),
        layer("o", ("s",), "o", (4, 0), 11, **values, **softmax),
        layer("mix", ("o", "v"), "x", (WIDTH, 8), 2, **rows, **residual),
        layer(
            "hidden", ("x",), "h", (7, WIDTH), 7, channel_shift=np.zeros(WIDTH, int), **normalise, **unsigned
        ),
        layer("head", ("h",), "y", (3, 7), 2, in_unsigned=True, residual=True, first_token=3, count=1),
    )
    return IntegerNetwork(
        name="by_hand",
        tokens=TOKENS,
        input_channels=INPUTS,
        input_name="tokens",
        residual_name="x",
        residual_init=rng.integers(-900, 900, (TOKENS, WIDTH)).astype(np.int16),
        layers=layers,
        output="y",
        output_scale=STEP,
        input_scale=STEP / 2,
        macs=0,
    )


@pytest.fixture(scope="module")
def tensors() -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """What onnxruntime computes, in steps, and what the integer model does, by layer."""
    integers = by_hand()
    tokens = np.random.default_rng(1).integers(-128, 128, (20, TOKENS, INPUTS)).astype(np.int8)
    model = onnx.load_from_string(encode(integers))
    shown = {"embed": "FLOAT", "mix": "FLOAT", "hidden": "UINT8"} | dict.fromkeys("qkvso", "INT8")
    for name, kind in shown.items():
        kind = onnx.TensorProto.DataType.Value(kind)
        model.graph.output.append(onnx.helper.make_tensor_value_info(name, kind, None))
    session = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    values = session.run(["logits", *shown], {"tokens": tokens})
    found = dict(zip(["head", *shown], values, strict=True))
    for name in ("embed", "mix", "head"):
        found[name] = found[name] / STEP
    found["head"] = found["head"][:, None]
    return found, run(integers, tokens)


@pytest.mark.parametrize("name", ["k", "v"])
def test_products_and_tables_are_exact(tensors, name: str):
    found, expected = tensors
    assert np.array_equal(found[name], expected[name])
    assert np.ptp(expected[name]) > 30


def test_the_residual_stream_lacks_its_rounding_alone(tensors):
    found, expected = tensors
    assert np.abs(found["embed"] - expected["embed"]).max() == 0.5
    unchanged = [0, 1, 2, 5]
    assert np.array_equal(found["mix"][:, unchanged], found["embed"][:, unchanged])
    assert (found["mix"][:, 3:5] != found["embed"][:, 3:5]).any(axis=(0, 2)).all()


@pytest.mark.parametrize("name", ["q", "s", "o", "hidden"])
def test_what_comes_after_norms_and_softmax_is_near(tensors, name: str):
    """LayerNorm and softmax are other functions here, which may move a rounding."""
    found, expected = tensors
    difference = np.abs(found[name].astype(int) - expected[name])
    assert difference.max() <= 2 and (difference == 0).mean() > 0.9
    assert np.ptp(expected[name]) > 30


@pytest.mark.parametrize("name", ["mix", "head"])
def test_what_is_added_is_near(tensors, name: str):
    found, expected = tensors
    assert found[name].shape == expected[name].shape
    assert np.abs(found[name] - expected[name]).max() < 0.02 * np.ptp(expected[name])


@pytest.mark.parametrize(
    ("name", "values", "words"),
    [
        ("o", {"exp_table": np.arange(256, dtype=np.uint8)}, "The table of o is not the exponential"),
        ("v", {"zero_point": 3, "out_unsigned": True}, "attention of o reads a tensor with a zero point"),
        (
            "head",
            {"bias": np.full(3, 2**31 - 1, np.int32), "weight": np.full((3, 7), 30, np.int8)},
            "A bias of head does not fit 32 bits",
        ),
    ],
)
def test_what_onnx_cannot_say_is_refused(name: str, values: dict[str, object], words: str):
    integers = by_hand()
    layers = (replace(layer, **values) if layer.name == name else layer for layer in integers.layers)
    with pytest.raises(PointwiseError, match=words):
        encode(replace(integers, layers=tuple(layers)))
