"""Convolutional modules become networks: equal in real numbers, and in integers bit for bit."""

import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

import pointwise as pw
from pointwise.model.emulator import Emulator, Order
from pointwise.model.engine import fuse
from pointwise.model.graph import Graph, run
from pointwise.model.graph.ops import Activation, Conv2d, Linear, MaxPool, MeanPool
from pointwise.model.models.resnet import resnet
from pointwise.model.quantise import patchify
from tests.model.frontends import pictures
from tests.model.models import test_resnet
from tests.slow import few

CORE = {"rows": 4, "cols": 4, "max_tokens": 64, "act_kib": 48, "act_banks": 2, "res_kib": 16}
SMALL = torch.zeros(1, 3, 12, 12)
CASES = {
    "resnet": (pictures.resnet, torch.zeros(1, 3, 33, 28)),
    "pre-activation": (pictures.pre_activation, torch.zeros(1, 3, 9, 8)),
    "vgg": (pictures.vgg, SMALL),
    "lenet": (pictures.LeNet, torch.zeros(1, 1, 28, 28)),
    "mobilenet": (pictures.mobilenet, torch.zeros(1, 3, 16, 20)),
    "hardswish": (lambda: pictures.mobilenet(nn.Hardswish), torch.zeros(1, 3, 16, 16)),
    "levit": (pictures.Levit, SMALL),
    "hybrid": (pictures.Hybrid, SMALL),
    "hybrid token": (pictures.HybridToken, SMALL),
    "reduced": (pictures.Reduced, SMALL),
    "convnext": (pictures.ConvNext, SMALL),
    "googlenet": (pictures.googlenet, torch.zeros(1, 3, 16, 16)),
    "dense": (pictures.Dense, torch.zeros(1, 3, 16, 12)),
    "shuffle": (pictures.Shuffle, torch.zeros(1, 3, 12, 12)),
    "two stems": (pictures.TwoStems, torch.zeros(1, 3, 10, 12)),
    "normalised": (pictures.Normalised, torch.zeros(1, 3, 8, 7)),
    "odd": (pictures.Odd, torch.zeros(1, 4, 13, 11)),
}


def made(name: str) -> tuple[nn.Module, Tensor]:
    """A module in inference mode, and its example."""
    torch.manual_seed(len(name))
    make, example = CASES[name]
    return pictures.randomised(make()), example


@pytest.mark.parametrize("name", CASES)
def test_a_convolutional_module_goes_the_whole_way(name: str) -> None:
    module, example = made(name)
    source = pw.load(module, example, name="mine")
    assert source.input_shape == tuple(example.shape[1:])
    images = torch.randn(24, *source.input_shape)
    with torch.no_grad():
        expected = torch.cat([module(one[None]) for one in images]).flatten(1).double().numpy()
    assert np.abs(source.results(images) - expected).max() < 1e-4
    network = pw.quantise(pw.calibrate(source, images[:16]))
    result = pw.evaluate(network, source, images[16:])
    print(f"{name}: {[type(op).__name__ for op in source.graph.ops]}, {result.sqnr_db:.1f} dB")
    assert result.sqnr_db > 20
    compiled = pw.compile(network, trace=True, **CORE)
    rows = patchify(network, images[:1].numpy())[0]
    stored = compiled.read_output(
        Emulator(compiled.image, compiled.config).run(compiled.pack_input(rows), Order.LATE_WRITES)
    )
    values = run(network, rows)
    for op in fuse(network):
        if op.name in stored:
            assert np.array_equal(stored[op.name], values[op.output]), op.name
    assert np.array_equal(stored[network.output], values[network.output])


@pytest.mark.parametrize(("stem", "narrow"), [(7, False), (3, True)])
def test_a_module_gives_the_graph_of_its_state_dict(stem: int, narrow: bool) -> None:
    """A ResNet, operator by operator, though not in the same order."""
    net = test_resnet.made((8, 12), stem, narrow)
    found, expected = (
        source.graph
        for source in (pw.load(net, torch.zeros(1, 3, 32, 32)), resnet(net.state_dict(), (32, 32)))
    )
    assert found.macs == expected.macs

    def told(graph: Graph) -> list[tuple[object, ...]]:
        made = []
        for op in graph.ops:
            weight = getattr(op, "weight", None)
            size = 0.0 if weight is None else round(float(np.abs(weight).sum() + op.bias.sum()), 4)
            made.append(
                (type(op).__name__, size, str(getattr(op, "window", "")), getattr(op, "function", ""))
            )
        return sorted(made)

    assert told(found) == told(expected)


@pytest.mark.parametrize("newer", few((False, True), (False,)), ids=["older", "newer"])
@pytest.mark.parametrize("name", CASES)
def test_files_of_both_exporters_are_what_the_module_is(name: str, newer: bool, tmp_path: Path) -> None:
    if newer:
        pytest.importorskip("onnxscript")
    module, example = made(name)
    path = tmp_path / "net.onnx"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(module, (example,), path, opset_version=18, dynamo=newer, verbose=False)
    source, same = pw.load(path), pw.load(module, example)
    images = torch.randn(4, *source.input_shape)
    assert np.abs(source.results(images) - same.results(images)).max() < 1e-4
    for kind in (Activation, Conv2d, Linear, MaxPool, MeanPool):
        found, expected = (
            [op for op in network.graph.ops if isinstance(op, kind)] for network in (source, same)
        )
        assert len(found) == len(expected), kind.__name__
    assert source.graph.macs == same.graph.macs


class Does(nn.Module):
    """A convolution, and then whatever a test wants."""

    def __init__(self, then: object) -> None:
        super().__init__()
        self.layer, self.then = nn.Conv2d(3, 6, 3, padding=1), then

    def forward(self, x: Tensor) -> Tensor:
        return self.then(self.layer(x)).flatten(1)


def mean(x: Tensor) -> Tensor:
    return x.mean((2, 3))


def pooled(x: Tensor) -> Tensor:
    return functional.max_pool2d(x, 3, 1, 1)


THEN = {
    "divisor": lambda x: mean(functional.avg_pool2d(x, 2, divisor_override=3)),
    "not padded": lambda x: mean(functional.avg_pool2d(x, 2, count_include_pad=False)),
    "reversed": lambda x: mean(functional.conv2d(x.flip(1), torch.ones(2, 6, 1, 2))),
    "half": lambda x: mean(
        functional.conv2d(x[:, ::2] * torch.arange(3.0)[:, None, None], torch.ones(3, 1, 2, 2), groups=3)
    ),
    "grouped": lambda x: mean(functional.conv2d(x.flip(1), torch.arange(24.0).reshape(4, 3, 1, 2), groups=2)),
    "scaled maximum": lambda x: mean(
        functional.max_pool2d(x * torch.tensor([1.0, -2, 0.5, 1, 1, 3])[:, None, None], 3)
    ),
    "maximum of sigmoid": lambda x: mean(functional.max_pool2d(torch.sigmoid(x) * 3, 4, 4, 1)),
    "adaptive maximum": lambda x: mean(functional.adaptive_max_pool2d(x, (2, 1))),
    "shifted": lambda x: mean(functional.conv2d(torch.relu(x) + 1, torch.ones(2, 6, 3, 3), padding=1)),
    "shifted inside": lambda x: mean(functional.conv2d(torch.relu(x) + 1, torch.ones(2, 6, 3, 3))),
    "padded": lambda x: mean(functional.max_pool2d(functional.pad(x, (1, 2, 0, 1)), 2)),
    "two readers": lambda x: mean(functional.conv2d(x, torch.ones(6, 6, 1, 1)) + functional.silu(x)),
    "sum of functions": lambda x: mean(torch.relu(x) + torch.sigmoid(pooled(x))),
    "function of a sum": lambda x: mean(functional.silu(x + pooled(x))),
    "clamp of a sum": lambda x: mean(torch.relu(x + pooled(x)) + pooled(torch.relu(x + pooled(x)))),
    "two clamps": lambda x: mean(torch.relu(x + pooled(x)) + pooled(functional.relu6(x + pooled(x)))),
    "row": lambda x: functional.conv1d(x.flatten(2), torch.ones(2, 3, 5), stride=3, padding=2, groups=2)[
        ..., 0
    ],
    "no batch": lambda x: mean(functional.max_pool2d(x[0], 2)[None]),
    "tokens": lambda x: functional.linear(x.flatten(1), torch.linspace(-1, 1, 3 * 6 * 64).reshape(3, -1)),
    "transposed": lambda x: functional.linear(
        x.permute(0, 3, 2, 1).flatten(1), torch.linspace(-1, 1, 3 * 6 * 64).reshape(3, -1)
    ),
    "summed": lambda x: x.sum((2, 3)) / 64,
    "summed and kept": lambda x: torch.relu(x).flatten(2).sum(-1, keepdim=True) * 0.02,
    "result": lambda x: torch.relu(x).mean((2, 3)),
    "clamped result": lambda x: torch.relu(mean(x)),
    "means twice": lambda x: mean(x) + functional.relu(mean(pooled(x))),
}


@pytest.mark.parametrize("name", THEN)
def test_what_follows_a_convolution(name: str) -> None:
    torch.manual_seed(len(name))
    module, images = Does(THEN[name]).eval(), torch.randn(20, 3, 8, 8)
    source = pw.load(module, images[:1])
    with torch.no_grad():
        expected = torch.cat([module(one[None]) for one in images]).double().numpy()
    assert np.abs(source.results(images) - expected).max() < 1e-4 * max(1, np.abs(expected).max())
    network = pw.quantise(pw.calibrate(source, images[:16]))
    assert pw.evaluate(network, source, images[16:]).sqnr_db > 15
    compiled, rows = pw.compile(network, **CORE), patchify(network, images[:1].numpy())[0]
    output = Emulator(compiled.image, compiled.config).run(compiled.pack_input(rows))
    assert np.array_equal(compiled.read_output(output)[network.output], run(network, rows)[network.output])
