"""``import pointwise as pw``: the whole way, what is imported for it, and what it refuses."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import pointwise as pw
from pointwise.hw.contract.image import check
from pointwise.model import digits
from pointwise.model.checkpoints import MICRO_DIGITS, load_checkpoint
from pointwise.model.compiler.random_network import random_network
from pointwise.model.emulator import Emulator
from pointwise.model.evaluate.arrays import sqnr_db
from pointwise.model.graph import run, run_float
from pointwise.model.graph.ops import Activation, Input, Linear
from pointwise.model.qat import Quantiser
from pointwise.model.quantise import load_network, patchify

PAGE = Path(__file__).parents[3] / "docs" / "quantisers.md"
TINY = {"rows": 2, "cols": 2}


def programs() -> list[str]:
    return re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def micro() -> pw.Graph:
    return pw.quantise(pw.calibrate(pw.load(), digits.load().calibration.normalised()))


def test_the_five_lines_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    exec(compile(programs()[0], PAGE.name, "exec"), names)
    folder = tmp_path / "build" / "five_lines"
    files = ["config.json", "image.bin", "image.hex", "manifest.json"]
    assert sorted(path.name for path in folder.iterdir()) == files
    core = pw.core(folder / "config.json")
    assert (core.rows, core.cols) == (8, 8)
    check((folder / "image.bin").read_bytes(), core)
    result = names["result"]
    assert isinstance(result, pw.Evaluation) and result.images == 360
    assert result.top1_integer >= result.top1_float - 1
    # Short enough to be looked at in a console.
    told = r"Evaluation\(360 images: top-1 \d+\.\d\d % float, \d+\.\d\d % integers, same class .* dB\)"
    assert re.fullmatch(told, repr(result))
    assert repr(names["calibration"]) == "Calibration('micro_digits', 100 inputs)"
    assert len(repr(load_checkpoint(MICRO_DIGITS))) < 300
    made = repr(pw.compile(names["network"], rows=8, cols=8))
    assert re.fullmatch(r"Compiled\('micro_digits' for a core of 8×8: \d+ instructions, [\d,]+ bytes\)", made)


def test_the_quantiser_of_the_page_is_one() -> None:
    names: dict[str, type[Quantiser]] = {}
    exec(compile(programs()[1], PAGE.name, "exec"), names)
    assert issubclass(names["PowerOfTwo"], Quantiser)
    assert names["PowerOfTwo"](4, 2).high == 7


def test_every_name_is_there_and_nothing_is_imported_before_it_is_asked_for() -> None:
    code = (
        "import sys, pointwise as pw; heavy = {'torch', 'numpy', 'amaranth'}\n"
        "assert not heavy & set(sys.modules)\n"
        "assert not any(name.startswith('pointwise.') for name in sys.modules)\n"
        "assert set(pw.__all__) <= set(dir(pw)) and set(pw._MODULES) == set(pw.__all__)\n"
        "core = pw.core(rows=2, cols=4); assert not heavy & set(sys.modules)\n"
        "assert all(getattr(pw, name).__name__ == name for name in pw.__all__)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    with pytest.raises(AttributeError, match="'pointwise' has no attribute 'laod'"):
        _ = pw.laod


def test_cores() -> None:
    assert pw.core() == pw.CoreConfig()
    tiny = pw.core("tiny", act_kib=8)
    assert tiny.act_kib == 8 and pw.core(tiny) == tiny
    assert pw.core(pw.core(rows=8, cols=16), rows=4, cols=4).post_lanes == pw.core(rows=4, cols=4).post_lanes
    with pytest.raises(pw.PointwiseError, match="rows = 65 is out of range"):
        pw.compile(random_network(0), rows=65)


def test_a_graph_goes_the_whole_way(tmp_path: Path) -> None:
    """A network that is no DeiT and has no images: rows of channels."""
    rng = np.random.default_rng(0)
    wide, narrow = rng.normal(size=(12, 6)) / 2.4, rng.normal(size=(5, 12)) / 3.5
    ops = (
        Input("in", shape=(9, 6), dtype="float"),
        Linear("wide", ("in",), wide, rng.normal(size=12)),
        Activation("act", ("wide",), function="silu"),
        Linear("result", ("act",), narrow, rng.normal(size=5)),
    )
    source = pw.load(pw.Graph("mine", ops, "result"))
    inputs = rng.normal(size=(40, 9, 6)).astype(np.float32)
    network = pw.quantise(pw.calibrate(source, inputs[:32]))
    result = pw.evaluate(network, source, inputs[32:])
    assert result.sqnr_db > 30 and result.logits_integer.shape == (8, 45)
    import torch

    exact = run_float(source.graph, torch.from_numpy(inputs[32:]))["result"].flatten(1).numpy()
    assert result.sqnr_db == pytest.approx(sqnr_db(exact, result.logits_integer), abs=1e-6)
    (path,) = pw.save(network, tmp_path / "mine.safetensors")
    stored = pw.load_network(path)
    rows = patchify(stored, inputs[:1])[0]
    compiled = pw.compile(stored, "tiny")
    output = Emulator(compiled.image, compiled.config).run(compiled.pack_input(rows))
    assert np.array_equal(compiled.read_output(output)["result"], run(network, rows)["result"])
    with pytest.raises(pw.PointwiseError, match=r"have the shape \(3, 9, 5\), but mine takes .* 9, 6\)"):
        pw.calibrate(source, inputs[:3, :, :5])
    with pytest.raises(pw.PointwiseError, match=r"have the shape \(1, 54\), but mine takes \(inputs, 9, 6\)"):
        patchify(stored, inputs[:1].reshape(1, 54))
    with pytest.raises(pw.PointwiseError, match="not finite"):
        pw.evaluate(network, source, inputs * np.inf)


def test_no_input_of_another_network_stays_beside_an_image(micro: pw.Graph, tmp_path: Path) -> None:
    compiled = pw.compile(micro, "tiny")
    assert tmp_path / "input.bin" in pw.save(compiled, tmp_path, block=b"\0")
    assert tmp_path / "input.bin" not in pw.save(compiled, tmp_path)
    assert not (tmp_path / "input.bin").exists()


def test_exports(micro: pw.Graph, tmp_path: Path) -> None:
    image, told = digits.load().held_out.normalised()[:1], []
    paths = pw.export(
        micro,
        tmp_path,
        ["raw", "numpy"],
        inputs=image,
        progress=lambda *counts: told.append(counts),
        **TINY,
    )
    assert [path.name for path in paths] == ["micro_digits.npz", "image.bin", "inputs.bin"]
    assert told == [(1, 3), (2, 3), (3, 3)]
    compiled = pw.compile(micro, **TINY)
    assert paths[1].read_bytes() == compiled.image
    assert paths[2].read_bytes() == compiled.pack_input(patchify(micro, image)[0])


def test_a_recipe_comes_as_a_file(tmp_path: Path) -> None:
    path = tmp_path / "recipe.toml"
    path.write_text("[default]\nweight_bits = 4\nrounding = 'nearest'\nsearch = false\n")
    images = digits.load().calibration.normalised()
    network = pw.quantise(pw.calibrate(pw.load(), images, recipe=path))
    assert {op.weight_bits for op in network.ops if isinstance(op, Linear)} == {4}
    pw.save(network, tmp_path / "four.safetensors")
    assert load_network(tmp_path / "four.safetensors").info["recipe"] == network.info["recipe"]
    with pytest.raises(pw.PointwiseError, match="calibration images have the shape"):
        pw.calibrate(pw.load(), np.zeros((3, 3, 8, 8), np.float32))


@pytest.mark.slow
def test_the_core_is_simulated(micro: pw.Graph) -> None:
    """Of three digits every bit is the integer model's, and the labels tell how many are right."""
    held_out = digits.load().held_out
    images, labels = held_out.normalised()[:3], held_out.labels[:3]
    done = pw.simulate(micro, images, labels, source=pw.load(), trace=False, rows=8, cols=8)
    assert done.mismatches == () and (done.top1_float, done.top1_int, done.top1_hw) == (1, 1, 1)
    wrong = pw.simulate(micro, images, (labels + 1) % 10, trace=False, rows=8, cols=8)
    assert (wrong.top1_float, wrong.top1_hw) == (None, 0) and np.array_equal(wrong.logits, done.logits)
