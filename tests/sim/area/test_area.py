"""The model of area: it is what the recorded syntheses give, and its error is the one that is stated."""

import json
from pathlib import Path

import pytest

from pointwise.hw.contract.config import PRESETS, CoreConfig
from pointwise.sim.area.model import FEATURES, FITTED, area, features, fitted, multipliers, sram_blocks

RESULTS = Path(__file__).parents[3] / "docs" / "results"
RUNS = json.loads((RESULTS / "area" / "ecp5.json").read_text())["runs"]


def test_coefficients_are_those_of_the_recorded_runs() -> None:
    assert json.loads(FITTED.read_text()) == fitted(RUNS)


@pytest.mark.parametrize("run", RUNS, ids=lambda run: f"{run['config']['rows']}x{run['config']['cols']}")
def test_runs_are_found_again(run: dict) -> None:
    config, counts = CoreConfig.from_dict(run["config"]), run["resources"]
    found = area(config)
    assert multipliers(config) == counts["multipliers"]
    for kind in ("lut_places", "flip_flops"):
        assert found[kind] == pytest.approx(counts[kind], rel=0.1)


def test_error_that_is_stated_is_that_of_cores_left_out() -> None:
    """Computed here without the model's own loop."""
    stated = json.loads(FITTED.read_text())["error"]
    for kind in FEATURES:
        misses = []
        for left, run in enumerate(RUNS):
            model = fitted([*RUNS[:left], *RUNS[left + 1 :]])["coefficients"][kind]
            config = CoreConfig.from_dict(run["config"])
            found = sum(a * features(config)[name] for a, name in zip(model, FEATURES[kind], strict=True))
            found += sram_blocks(config) if kind == "block_rams" else 0
            misses.append(abs(found / run["resources"][kind] - 1))
        assert stated[kind]["largest"] == pytest.approx(max(misses), abs=1e-3)
        assert max(misses) < 0.2


def test_more_of_anything_takes_more() -> None:
    sizes = [area(PRESETS[name])["area"] for name in ("tiny", "ecp5", "default", "large")]
    assert sizes == sorted(sizes)
