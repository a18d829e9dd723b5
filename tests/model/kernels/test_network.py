"""Kernels against the specification: every value of every kind of network, on every bit."""

from dataclasses import dataclass

import numpy as np
import pytest
import torch

from pointwise.hw.contract.errors import PointwiseError
from pointwise.model.compiler.random_network import random_network
from pointwise.model.compiler.random_pictures import random_pictures
from pointwise.model.graph import Graph, run
from pointwise.model.graph.ops import Activation, Input
from pointwise.model.kernels import KernelNetwork, network, prepared, products, requantisation

CASES = 40
IMAGES = 3


def images_of(graph: Graph, seed: int) -> np.ndarray:
    """Bytes of all values, with the extremes more often."""
    rng = np.random.default_rng(seed)
    low = 0 if graph.input.dtype == "uint8" else -128
    spread = rng.integers(low, low + 256, (IMAGES, *graph.input.shape))
    images = np.where(rng.random(spread.shape) < 0.2, rng.choice([low, low + 255], spread.shape), spread)
    images[:, : graph.input.zero_rows] = 0
    return images.astype(graph.input.dtype)


def assert_equal(graph: Graph, images: np.ndarray) -> None:
    found, expected = KernelNetwork(graph, "cpu").run(images), run(graph, images)
    assert list(found) == list(expected)
    for name, value in expected.items():
        assert found[name].dtype == np.int64
        assert np.array_equal(found[name], np.broadcast_to(value, found[name].shape)), name


@pytest.mark.parametrize("of_bytes", [True, False])
@pytest.mark.parametrize("make", [random_network, random_pictures])
def test_random_networks(make, of_bytes: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """With 8-bit products where the processor has them, and with those of floats."""
    if not of_bytes:
        monkeypatch.setattr(products, "has_byte_products", lambda device: False)
    for seed in range(CASES):
        graph = make(seed)
        assert_equal(graph, images_of(graph, seed))


def test_parts_of_a_batch_and_of_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    """However much is computed at once."""
    monkeypatch.setattr(network, "TOKENS_AT_ONCE", 2)
    monkeypatch.setattr(requantisation, "CACHED", 8)
    monkeypatch.setattr("pointwise.model.kernels.pictures.ROWS", 1)
    for make in (random_network, random_pictures):
        assert_equal(make(7), images_of(make(7), 7))


def test_what_is_wanted_alone() -> None:
    graph = random_network(3)
    images = images_of(graph, 3)
    found = KernelNetwork(graph).run(images, {graph.output})
    assert list(found) == [graph.output]
    assert np.array_equal(found[graph.output], run(graph, images, {graph.output})[graph.output])
    assert prepared(graph) is prepared(graph)


@dataclass(frozen=True, eq=False)
class Unknown(Activation):
    """A table that no kernel is made for."""


def test_an_operator_without_a_kernel_runs_as_it_is_specified() -> None:
    graph = random_network(5)
    looked_up = next(op for op in graph.ops if isinstance(op, Activation))
    other = Unknown(looked_up.name, looked_up.inputs, looked_up.table, looked_up.dtype)
    changed = graph.changed({looked_up.name: other})
    images = images_of(graph, 5)
    assert np.array_equal(KernelNetwork(changed).run(images)[graph.output], run(graph, images)[graph.output])


def test_precision_that_somebody_has_lowered_does_not_matter() -> None:
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("medium")
    try:
        graph = random_network(2)
        assert_equal(graph, images_of(graph, 2))
        assert torch.get_float32_matmul_precision() == "medium"
    finally:
        torch.set_float32_matmul_precision(before)


def test_real_networks_are_refused() -> None:
    graph = Graph("net", (Input("x", shape=(2, 3), dtype="float"),), "x")
    with pytest.raises(PointwiseError, match="The network net is one of real numbers; quantise it first"):
        KernelNetwork(graph)
