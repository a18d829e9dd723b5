"""Vectors: read back from the files alone, every operation gives the result that lies beside it."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import pointwise as pw
from pointwise.hw.contract.errors import PointwiseError
from pointwise.model.compiler.random_network import random_image, random_network
from pointwise.model.compiler.random_pictures import random_pictures
from pointwise.model.engine import fuse
from pointwise.model.export import qint8_file
from pointwise.model.export.vectors import INDEX, write_vectors
from pointwise.model.graph import Graph, Quantisation, run
from pointwise.model.graph.ops import Conv2d, Input, Linear, MatMul
from pointwise.model.graph.window import Window
from pointwise.model.integer.layernorm import NormConstants, normalise, statistics, token_sums
from pointwise.model.integer.requantise import add_residual, add_scaled, look_up, requantise
from pointwise.model.integer.softmax import divide, exponentials
from pointwise.model.models.made_up import made_up, made_up_images
from pointwise.model.quantise import LayerConfig, Recipe, patchify
from pointwise.model.synthetic import synthetic_images
from tests.model.export.conftest import CONFIG

LIMITS = {"int8": (-128, 127), "uint8": (0, 255), "int16": (-32768, 32767)}


def array(folder: Path, file: dict[str, Any]) -> np.ndarray:
    """The numbers of a file, int64, as Verilog would read it: a word a line."""
    words = [int(line, 16) for line in (folder / file["file"]).read_text().split()]
    kind = np.dtype(file["dtype"])
    bits = np.array(words, np.uint64).astype(f"uint{8 * kind.itemsize}")
    return bits.view(kind).astype(np.int64).reshape(file["shape"])


def recomputed(entry: dict[str, Any], of: dict[str, np.ndarray]) -> np.ndarray:
    """The result of an operation, of what its files hold."""
    streamed = _entered(entry["prologue"], of)
    sums = _sums(entry, streamed, of["stationary"])
    values = sums
    for stage in entry["epilogue"]:
        kind = stage["kind"]
        if kind == "divide":
            values = divide(values, streamed.sum(axis=1))
        elif kind == "requantise":
            limits = LIMITS[stage["dtype"]]
            values = requantise(values, of["bias"], of["mult"], of["shift"], limits)
        elif kind == "look_up":
            values = look_up(values, of["table"])
        elif kind == "accumulate":
            values = add_residual(of["added"], values)
        elif kind == "add_scaled":
            limits = LIMITS[stage["dtype"]]
            values = add_scaled(of["added"], values, stage["factor"], stage["shift"], limits)
        else:
            assert kind in ("row_max", "token_sums")  # which are kept, and change nothing
    return values


def _entered(prologue: dict[str, Any], of: dict[str, np.ndarray]) -> np.ndarray:
    """The streamed operand, made of its source where there is one."""
    if prologue["kind"] == "plain":
        assert "source" not in of
        return of["streamed"]
    source = of["source"]
    if prologue["kind"] == "exponential":
        made = exponentials(source, source.max(axis=1), of["exponentials"])
    else:
        constants = NormConstants(**{name: value for name, value in prologue.items() if name != "kind"})
        made = normalise(
            source, *statistics(*token_sums(source), constants), of.get("channel_shift", np.int64(0))
        )
    assert np.array_equal(made, of["streamed"])
    return made


def _sums(entry: dict[str, Any], streamed: np.ndarray, stationary: np.ndarray) -> np.ndarray:
    """Sums of products, by loops over the kernel."""
    if entry["window"] is None:
        if entry["stationary"]["kind"] == "diagonal":
            return streamed * stationary.reshape(-1)
        return streamed @ stationary.T
    window = Window(**{name: tuple(value) for name, value in entry["window"].items()})
    top, left, bottom, right = window.padding
    picture = np.pad(
        streamed.reshape(*window.size, -1),
        [(top, bottom), (left, right), (0, 0)],
        constant_values=entry["pad"],
    )
    (height, width), taps = window.out_size, []
    for line in range(window.kernel[0]):
        for tap in range(window.kernel[1]):
            down, along = line * window.dilation[0], tap * window.dilation[1]
            rows = slice(down, down + (height - 1) * window.stride[0] + 1, window.stride[0])
            columns = slice(along, along + (width - 1) * window.stride[1] + 1, window.stride[1])
            part, weights = picture[rows, columns].reshape(height * width, -1), stationary[..., line, tap]
            taps.append(part * weights if weights.ndim == 1 else part @ weights.T)
    return np.max(taps, axis=0) if entry["stationary"].get("maximum") else np.sum(taps, axis=0)


def checked(network: Graph, rows: np.ndarray, folder: Path) -> dict[str, Any]:
    """Write, read back, recompute; returns the index."""
    paths = write_vectors(network, rows, folder)
    assert paths[-1] == folder / INDEX and sorted(paths) == sorted(folder.iterdir())
    index = json.loads((folder / INDEX).read_text())
    values = run(network, rows)
    assert [entry["name"] for entry in index["operations"]] == [op.name for op in fuse(network)]
    for entry in index["operations"]:
        of = {what: array(folder, file) for what, file in entry["files"].items()}
        assert np.array_equal(recomputed(entry, of), of["result"]), entry["name"]
        assert np.array_equal(of["result"], values[entry["writes"]]), entry["name"]
    return index


def test_a_deit(distilled: Graph, tmp_path: Path) -> None:
    rows = patchify(distilled, synthetic_images(CONFIG, 1, seed=4).numpy())[0]
    index = checked(distilled, rows, tmp_path)
    assert {entry["prologue"]["kind"] for entry in index["operations"]} == {
        "plain",
        "normalise",
        "exponential",
    }
    assert {entry["stationary"]["kind"] for entry in index["operations"]} == {"weights", "keys", "values"}


def test_a_resnet(tmp_path: Path) -> None:
    source = made_up("resnet20")
    images = made_up_images(source, 2)
    recipe = Recipe(LayerConfig(rounding="nearest"))
    network = pw.quantise(pw.calibrate(source, images, recipe=recipe))
    index = checked(network, patchify(network, images.numpy()[:1])[0], tmp_path)
    assert any(entry["window"] for entry in index["operations"])
    assert any(stage["kind"] == "add_scaled" for one in index["operations"] for stage in one["epilogue"])


@pytest.mark.parametrize("make", [random_network, random_pictures])
def test_random_networks(make, tmp_path: Path) -> None:
    kinds = set()
    for seed in range(8):
        network = make(seed)
        index = checked(network, random_image(network, seed), tmp_path / str(seed))
        kinds |= {(one["stationary"]["kind"], bool(one["window"])) for one in index["operations"]}
    assert len(kinds) >= 3


def test_a_wrong_digit_is_found(distilled: Graph, tmp_path: Path) -> None:
    rows = patchify(distilled, synthetic_images(CONFIG, 1, seed=4).numpy())[0]
    index = checked(distilled, rows, tmp_path)
    for what in ("streamed", "stationary", "bias", "result"):
        entry = index["operations"][0]
        path = tmp_path / entry["files"][what]["file"]
        before = path.read_text()
        path.write_text(
            before[:-2] + ("0" if before[-2] != "0" else "4") + "\n"
        )  # the last digit of the last word
        if what == "bias":
            path.write_text("4" + before[1:])
        of = {name: array(tmp_path, file) for name, file in entry["files"].items()}
        assert not np.array_equal(recomputed(entry, of), of["result"]), what
        path.write_text(before)


# torch.qint8 ------------------------------------------------------------------------------------------------


def loaded(network: Graph, folder: Path) -> dict[str, torch.Tensor]:
    path = folder / "weights.qint8.pt"
    path.write_bytes(qint8_file.encode(network))
    return torch.load(path, weights_only=True)


def test_quantised_weights_hold_the_integers(distilled: Graph, tmp_path: Path) -> None:
    held = loaded(distilled, tmp_path)
    products = [op for op in distilled.ops if isinstance(op, Linear)]
    assert set(held) == {f"{op.name}.{part}" for op in products for part in ("weight", "bias")}
    for op in products:
        weight = held[f"{op.name}.weight"]
        assert weight.dtype == torch.qint8 and np.array_equal(weight.int_repr().numpy(), op.weight)


@pytest.mark.parametrize("zero_points", [(0, 0), (-7, 20)])
def test_real_weights_do_what_the_integers_stand_for(zero_points: tuple[int, int], tmp_path: Path) -> None:
    """A convolution of real numbers with them is the integer one, but for its rounding to one step."""
    rng = np.random.default_rng(0)
    window = Window((6, 5), (3, 3), padding=(1, 1, 1, 1))
    given = Quantisation(0.03, zero_points[0])
    ours = Quantisation(rng.uniform(0.4, 0.5, 8), zero_points[1])
    factors = {
        "bias": rng.integers(-900, 900, 8).astype(np.int32),
        "mult": rng.integers(33000, 65000, 8).astype(np.uint16),
        "shift": np.full(8, 24, np.uint8),
    }
    weight = rng.integers(-127, 128, (8, 2, 3, 3)).astype(np.int8)
    conv = Conv2d("c", ("in",), window, 2, weight, **factors, pad=zero_points[0], quantisation=ours)
    network = Graph("one", (Input("in", shape=(30, 4), quantisation=given), conv), "c")
    held = loaded(network, tmp_path)
    rows = rng.integers(-128, 128, (30, 4))
    picture = torch.from_numpy(given.real(rows).T.reshape(1, 4, 6, 5)).float()
    made = (
        torch.nn.functional.conv2d(
            picture, held["c.weight"].dequantize(), held["c.bias"], padding=1, groups=2
        )[0]
        .flatten(1)
        .T
    )
    integers = run(network, rows)["c"]
    error = np.abs(made.numpy() - ours.real(integers)) / ours.scale
    inside = (integers > -128) & (integers < 127)
    assert error[inside].max() < 0.51 and np.ptp(integers) > 100 and inside.mean() > 0.5


def test_a_network_without_weights_is_refused() -> None:
    rng = np.random.default_rng(0)
    factors = {"bias": np.zeros(4, np.int32), "mult": np.full(4, 40000, np.uint16), "shift": np.full(4, 22)}
    ops = (Input("in", shape=(4, 3)), MatMul("s", ("in", "in"), transposed=True, **factors))
    network = Graph("alone", ops, "s")
    assert run(network, rng.integers(-9, 9, (4, 3)))["s"].shape == (4, 4)
    with pytest.raises(PointwiseError, match="alone has no weights, so there is no file of them"):
        qint8_file.encode(network)
    with pytest.raises(PointwiseError, match="has bias of none"):
        qint8_file.encode(replace(network, ops=(ops[0], replace(ops[1], bias=None))))
