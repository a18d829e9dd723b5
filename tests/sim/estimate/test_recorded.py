"""Estimates of convolutional networks against what was recorded of them in RTL."""

import json
from pathlib import Path

import pytest

from pointwise.hw.contract.config import CoreConfig
from pointwise.model.estimate import Memory, estimate
from pointwise.sim.weightless import named_weightless
from tests.slow import few

RESULTS = Path(__file__).parents[3] / "docs" / "results"
RECORDED = (
    "resnet18_16x16",
    "resnet18_8x16_64bit",
    "resnet50_16x16",
    "vgg16_bn_16x16",
    "mobilenet_v1_16x16",
    "mobilenet_v1_8x16",
)
TOLERANCE = 0.005


@pytest.mark.parametrize("name", few(RECORDED, set(RECORDED) - {"vgg16_bn_16x16", "resnet50_16x16"}))
def test_within_half_a_per_cent(name: str) -> None:
    """Plans that go through DRAM, whole networks."""
    report = json.loads((RESULTS / f"{name}.json").read_text())
    network, config = named_weightless(report["network"]), CoreConfig.from_dict(report["config"])
    assert network.macs == report["macs"]
    found = estimate(network, config, Memory(report["memory"]["latency"]))
    assert abs(found.cycles / report["cycles"] - 1) < TOLERANCE
