"""What a simulation runs: integers made anew, or those of a file."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hw.contract.errors import PointwiseError
from model.quantise import quantise, save_network
from model.quantise.recipe import PLAIN, Recipe
from sim.workload import load_weights, usual_calibration, with_images


def test_integers_of_a_file_are_taken_as_they_are(tmp_path: Path):
    name, weights = load_weights(None, None)
    calibration = usual_calibration(weights.config)
    made = quantise(weights.state, weights.config, calibration, name="plain", recipe=Recipe(PLAIN))
    save_network(tmp_path / "plain.safetensors", made)
    workload = with_images(name, weights, 3, quantised=tmp_path / "plain.safetensors")
    assert workload.network.name == "plain" and len(workload.images) == len(workload.labels) == 3
    pairs = zip(workload.network.layers, made.layers, strict=True)
    assert all(np.array_equal(a.weight, b.weight) for a, b in pairs if b.weight is not None)
    others = replace(weights, config=replace(weights.config, depth=1))
    with pytest.raises(PointwiseError, match=r"plain\.safetensors are of a network of other dimensions"):
        with_images("big", others, 1, quantised=tmp_path / "plain.safetensors")
