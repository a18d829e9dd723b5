"""What tests ran of the sources, by folder."""

import json

import pytest

from pointwise.hw.contract.errors import PointwiseError
from pointwise.sim.cover.sources import main


def summary(lines: int, met: int, branches: int, through: int) -> dict:
    return {
        "summary": {
            "num_statements": lines, "covered_lines": met, "num_branches": branches,
            "covered_branches": through,
        }
    }  # fmt: skip


FILES = {
    "hw/core.py": summary(10, 9, 4, 4),
    "hw/engine/array.py": summary(20, 20, 2, 1),
    "model/frontends/onnx/graph.py": summary(5, 5, 0, 0),
    "model/frontends/module.py": summary(6, 3, 2, 0),
    "sim/system/bench_core.py": summary(50, 0, 9, 0),
}


def test_files_are_added_up_by_folder_without_those_inside_of_simulators(tmp_path):
    source, path = tmp_path / "coverage.json", tmp_path / "table.json"
    source.write_text(json.dumps({"meta": {"branch_coverage": True}, "files": FILES}))
    main(source, path)
    assert json.loads(path.read_text()) == {
        "hw": {"lines": 10, "lines_met": 9, "branches": 4, "branches_met": 4},
        "hw/engine": {"lines": 20, "lines_met": 20, "branches": 2, "branches_met": 1},
        "model/frontends": {"lines": 11, "lines_met": 8, "branches": 2, "branches_met": 0},
    }


def test_lines_alone_are_not_enough(tmp_path):
    source = tmp_path / "coverage.json"
    source.write_text(json.dumps({"meta": {"branch_coverage": False}, "files": FILES}))
    with pytest.raises(PointwiseError, match="run the tests with --cov-branch"):
        main(source, tmp_path / "table.json")
