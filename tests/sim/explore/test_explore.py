"""Studies: the same choices whoever tries how fast, a front that is one, files that say what was tried."""

from __future__ import annotations

import csv
import io
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("optuna")

from pointwise.hw.contract.config import CoreConfig
from pointwise.hw.contract.errors import Interrupted, PointwiseError
from pointwise.model.checkpoints import save_checkpoint
from pointwise.model.networks import DeiTConfig
from pointwise.model.parallel import Job, Local
from pointwise.model.synthetic import synthetic_checkpoint
from pointwise.sim.cli import main
from pointwise.sim.explore.files import as_csv, figure, table
from pointwise.sim.explore.space import Space, weighted
from pointwise.sim.explore.study import POPULATION, Study
from pointwise.sim.explore.trial import OBJECTIVES

SPACE = Space(
    CoreConfig(),
    {
        "rows": (2, 3, 4, 8),
        "cols": (2, 4, 8),
        "act_kib": (32, 64),
        "res_kib": (16,),
        "axi_data_width": (32, 64),
    },
    (0, 1, 2),
    (8, 4, 2),
    ("a", "b"),
)
COUNT = 2 * POPULATION + 6
CONFIG = DeiTConfig(image_size=4, patch=2, in_channels=1, dim=8, depth=1, heads=2, mlp_ratio=2, classes=3)


class Made:
    """Figures that follow from the point alone."""

    def __call__(self, point: dict[str, int]) -> dict[str, float]:
        try:
            core = SPACE.config(point)
        except PointwiseError as error:
            return {"reason": str(error)}
        bits = point["bits a"] + 2 * point["bits b"]
        figures = dict.fromkeys(("utilisation", "lut_places", "flip_flops", "block_rams", "multipliers"), 1)
        return {
            **figures,
            "cycles": 10_000 // (core.rows * core.cols) + core.post_lanes + 256 // core.axi_data_width,
            "area": 100 * core.rows * core.cols + 7 * core.post_lanes + core.act_kib + core.axi_data_width,
            "weight_bits": bits / 3,
            "image_bytes": 100,
            "sqnr_db": float(bits),
        }


class Shuffled:
    """An executor that is done with its parts in any order, and stops after some."""

    workers = 5

    def __init__(self, seed: int, stop_after: int = 1000) -> None:
        self.random, self.left, self.points = random.Random(seed), stop_after, {}

    def run(self, job: Job, parts, tell=None) -> Iterator[tuple[str, dict]]:
        work, given, held = job.make(), iter(parts), []
        while True:
            while len(held) < self.workers and (part := next(given, None)) is not None:
                held.append(part)
            if not held:
                return
            if not self.left:
                raise KeyboardInterrupt
            self.left -= 1
            name, point = held.pop(self.random.randrange(len(held)))
            assert name not in self.points
            self.points[name] = point
            yield name, work(point)


def study(place: Path | str, seed: int = 1, ahead: int = 7, space: Space = SPACE) -> Study:
    return Study(str(place), space, Job("explore", Made, "d"), seed=seed, ahead=ahead)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Study:
    made = study(tmp_path_factory.mktemp("study") / "study.journal")
    made.run(COUNT, Local(1))
    return made


@pytest.mark.slow
def test_same_seed_gives_the_same_study_in_any_order(whole: Study, tmp_path: Path) -> None:
    other = study(tmp_path / "study.db")
    other.run(COUNT, Shuffled(3))
    assert other.results() == whole.results()
    assert other.front() == whole.front()
    assert len(whole.results()) == COUNT
    different = study(tmp_path / "different.journal", seed=2)
    different.run(10, Local(1))
    assert different.results() != whole.results()[:10]


def test_interrupted_study_goes_on_as_if_nothing_had_been(whole: Study, tmp_path: Path) -> None:
    place, tried = tmp_path / "study.journal", 0
    for stop in (1, 9, POPULATION, 1000):
        workforce = Shuffled(stop, stop)
        try:
            study(place).run(COUNT, workforce)
        except Interrupted as error:
            assert stop < 1000 and f"of {COUNT} trials are done" in str(error)
        tried += len(workforce.points)
    resumed = study(place)
    assert resumed.results() == whole.results()
    assert tried < COUNT + 3 * 7, "only what was being tried is tried again"
    calls = []
    resumed.run(COUNT, Shuffled(0, 0), lambda *call: calls.append(call))
    assert calls == [(COUNT, COUNT)], "there is nothing left to do"


def test_study_of_other_parameters_is_told(whole: Study) -> None:
    for options in ({"seed": 2}, {"ahead": 3}):
        with pytest.raises(PointwiseError, match=r"is of other parameters .*; name another place"):
            study(whole.place, **options)
    with pytest.raises(PointwiseError, match="is of other parameters"):
        Study(whole.place, SPACE, Job("explore", Made, "other weights"), seed=1, ahead=7)


def test_study_that_cannot_be_opened_is_told(tmp_path: Path) -> None:
    (tmp_path / "damaged.journal").write_text("nonsense\nmore\n")
    (tmp_path / "damaged.db").write_text("nonsense " * 1000)
    for place in (tmp_path / "damaged.journal", tmp_path / "damaged.db", "nonsense://host/db"):
        with pytest.raises(PointwiseError, match=r"cannot be opened .*; name another place with --study"):
            study(place)


def test_front_is_what_nothing_is_better_than(whole: Study) -> None:
    sign = {name: 1 if way == "minimize" else -1 for name, way in OBJECTIVES.items()}
    costs = {
        number: tuple(sign[name] * result[name] for name in OBJECTIVES)
        for number, _, result in whole.results()
        if "reason" not in result
    }
    best = [
        number
        for number, cost in costs.items()
        if not any(
            other != cost and all(a <= b for a, b in zip(other, cost, strict=True))
            for other in costs.values()
        )
    ]
    assert sorted(whole.front()) == sorted(best)
    assert 0 < len(best) < len(costs) < COUNT, "some points are no cores, since 3 and 8 do not divide"


def test_files_hold_every_trial(whole: Study) -> None:
    rows = list(csv.DictReader(io.StringIO(as_csv(whole))))
    assert len(rows) == COUNT
    for row, (number, point, result) in zip(rows, whole.results(), strict=True):
        assert int(row["trial"]) == number
        assert all(int(row[name]) == value for name, value in point.items())
        assert bool(int(row["front"])) == (number in whole.front())
        assert row["reason"] == result.get("reason", "")
        assert row["cycles"] == str(result.get("cycles", ""))
    assert figure(whole, "made").startswith(b"\x89PNG")
    assert table(whole, "made").row_count == len(whole.front())


def test_space_is_checked() -> None:
    with pytest.raises(PointwiseError, match="weights of 3 bits were asked for"):
        Space(CoreConfig(), {}, (0,), (8, 3), ("a",))
    with pytest.raises(PointwiseError, match="rows has no value"):
        Space(CoreConfig(), {"rows": ()}, (0,), (8,), ("a",))
    assert weighted(["image", "patch_embed", "blocks.0.attn.s", "blocks.0.norm1", "norm", "head"]) == (
        "patch_embed",
        "head",
    )


def test_command_measures_what_it_searches(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    weights = tmp_path / "my.safetensors"
    save_checkpoint(weights, synthetic_checkpoint(CONFIG, 0))
    call = ["explore", "--checkpoint", str(weights), "--trials", "4", "--ahead", "2", "--workers", "1"]
    call += ["--count", "2", "--calibration", "2", "--rows", "2,4", "--cols", "2,4", "--weight-bits", "8,2"]
    assert main([*call, "--out", str(tmp_path / "a")]) == 0
    assert "trials fit" in capsys.readouterr().out
    first = (tmp_path / "a" / "explore.csv").read_text()
    assert main([*call, "--out", str(tmp_path / "b")]) == 0
    assert (tmp_path / "b" / "explore.csv").read_text() == first
    rows = [row for row in csv.DictReader(io.StringIO(first)) if not row["reason"]]
    assert len({row["sqnr_db"] for row in rows}) > 1 and all(int(row["cycles"]) > 0 for row in rows)
    save_checkpoint(weights, synthetic_checkpoint(CONFIG, 1))
    assert main([*call, "--out", str(tmp_path / "a")]) == 1
    assert "is of other parameters" in capsys.readouterr().err
