"""The five lines of the documents run, and steps out of order are told."""

import re
from pathlib import Path

import numpy as np
import pytest

from pointwise.hw.contract.config import CoreConfig
from pointwise.hw.contract.errors import PointwiseError
from pointwise.hw.contract.image import check
from pointwise.model import digits
from pointwise.model.flow import Flow
from pointwise.model.graph.ops import Linear
from pointwise.model.qat import Quantiser

PAGE = Path(__file__).parents[2] / "docs" / "quantisers.md"


def programs() -> list[str]:
    return re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)


def test_the_five_lines_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    text = programs()[0]
    steps = [line for line in text.splitlines() if "flow." in line.lower() and "import" not in line]
    assert [re.search(r"\.(\w+)\(", line)[1] for line in steps] == [
        "load",
        "calibrate",
        "quantise",
        "save_image",
        "evaluate",
    ]
    names: dict[str, object] = {}
    exec(compile(text, PAGE.name, "exec"), names)
    folder = tmp_path / "build" / "five_lines"
    assert sorted(path.name for path in folder.iterdir()) == [
        "config.json",
        "image.bin",
        "image.hex",
        "manifest.json",
    ]
    core = CoreConfig.from_json(folder / "config.json")
    assert (core.rows, core.cols) == (8, 8)
    check((folder / "image.bin").read_bytes(), core)
    result = names["result"]
    assert result.images == 360
    assert result.top1_integer >= result.top1_float - 1


def test_the_quantiser_of_the_page_is_one():
    names: dict[str, object] = {}
    exec(compile(programs()[1], PAGE.name, "exec"), names)
    assert issubclass(names["PowerOfTwo"], Quantiser)
    assert names["PowerOfTwo"](4, 2).high == 7


def test_steps_out_of_order_are_told():
    flow = Flow.load()
    assert flow.name == "micro_digits"
    with pytest.raises(PointwiseError, match=r"micro_digits has no calibration images; call calibrate\(\)"):
        flow.quantise()
    for step in (lambda: flow.save_image("nowhere"), lambda: flow.evaluate(np.zeros((1, 1, 8, 8)))):
        with pytest.raises(
            PointwiseError, match=r"micro_digits has no integers yet; call quantise\(\) first"
        ):
            step()
    with pytest.raises(PointwiseError, match="calibration images have the shape"):
        flow.calibrate(np.zeros((3, 3, 8, 8), np.float32))


def test_a_recipe_comes_as_a_file(tmp_path: Path):
    path = tmp_path / "recipe.toml"
    path.write_text("[default]\nweight_bits = 4\nrounding = 'nearest'\nsearch = false\n")
    flow = Flow.load()
    flow.calibrate(digits.load().calibration.normalised())
    network = flow.quantise(path)
    assert {op.weight_bits for op in network.ops if isinstance(op, Linear)} == {4}
