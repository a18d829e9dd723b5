"""Evaluations of images in files: their figures, and that no interruption loses or doubles an image."""

import dataclasses
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pointwise.hw.contract.errors import PointwiseError
from pointwise.model.checkpoints import load_checkpoint, save_checkpoint
from pointwise.model.evaluate import evaluate
from pointwise.model.evaluate.images import evaluate_images
from pointwise.model.evaluate.results import ImageResult, ResultsFile
from pointwise.model.evaluate.tally import tally
from pointwise.model.frontends import DeiTNetwork
from pointwise.model.images.find import find_images
from pointwise.model.images.prepare import UnreadableImageError, prepare
from pointwise.model.images.preprocessing import authors
from pointwise.model.images.sample import sample
from pointwise.model.networks import DeiTConfig
from pointwise.model.parallel import Local
from pointwise.model.quantise.io import save_network
from pointwise.model.synthetic import synthetic_checkpoint

CONFIG = DeiTConfig(32, 4, 3, 16, 1, 2, 2, 7, distilled=True)
IMAGES, BROKEN = 40, "c3/17.png"


@dataclasses.dataclass(frozen=True)
class Case:
    folder: Path

    @property
    def pair(self) -> tuple[Path, Path]:
        return self.folder / "float.safetensors", self.folder / "integer.safetensors"

    @property
    def images(self):
        return find_images(self.folder / "images")

    def run(self, results: Path, **options):
        return evaluate_images(*self.pair, self.images, results, **options)


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Case:
    folder = tmp_path_factory.mktemp("evaluation")
    rng = np.random.default_rng(0)
    for index in range(IMAGES):
        path = folder / "images" / f"c{index % 7}" / f"{index:02}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 256, (40, 44, 3), np.uint8)).save(path)
    (folder / "images" / BROKEN).write_bytes(b"broken")
    case = Case(folder)
    checkpoint = dataclasses.replace(synthetic_checkpoint(CONFIG, seed=3), preprocessing=authors(32))
    save_checkpoint(case.pair[0], checkpoint)
    calibration, _ = sample(case.images, checkpoint.prepared, 16)
    save_network(case.pair[1], DeiTNetwork(CONFIG, checkpoint.state).quantise(calibration))
    return case


@pytest.fixture(scope="module")
def whole(case: Case, tmp_path_factory: pytest.TempPathFactory):
    """The figures and the lines of a run that nothing interrupted."""
    path = tmp_path_factory.mktemp("whole") / "results.jsonl"
    return case.run(path), sorted(path.read_text().splitlines())


def test_figures_are_those_of_arrays(case: Case, whole) -> None:
    """The same by the other way: all images at once, without a file."""
    from pointwise.model.quantise.io import load_network

    files = [file for file in case.images.files if file.name != BROKEN]
    pixels = np.stack([prepare(file.path, authors(32)) for file in files])
    labels = np.array([int(file.category[1:]) for file in files])
    source = DeiTNetwork(CONFIG, load_checkpoint(case.pair[0]).state)
    expected = evaluate(load_network(case.pair[1]), source, pixels, labels)
    figures = whole[0]
    for name in ("top1_float", "top5_float", "top1_integer", "top5_integer", "agreement"):
        assert getattr(figures, name) == pytest.approx(getattr(expected, name), rel=1e-12), name
    assert figures.sqnr_db == pytest.approx(expected.sqnr_db, abs=1e-3)
    assert (figures.images, figures.unreadable) == (IMAGES - 1, (BROKEN,))
    assert 0 < figures.top1_float < figures.top5_float < 100


def test_processes_change_nothing(case: Case, whole, tmp_path: Path) -> None:
    figures = case.run(tmp_path / "results.jsonl", executor=Local(2))
    assert (figures, sorted((tmp_path / "results.jsonl").read_text().splitlines())) == whole


class Interrupted(Exception):
    pass


def test_interrupted_run_goes_on_where_it_was(case: Case, whole, tmp_path: Path) -> None:
    path = tmp_path / "results.jsonl"

    def stop_after_half(done: int, total: int) -> None:
        if done > total / 2:
            raise Interrupted

    with pytest.raises(Interrupted):
        case.run(path, progress=stop_after_half)
    half = sum(json.loads(line)["error"] is None for line in path.read_text().splitlines())
    assert IMAGES / 2 < half < IMAGES
    calls: list[tuple[int, int]] = []
    assert case.run(path, progress=lambda *call: calls.append(call)) == whole[0]
    assert (calls[0], calls[-1]) == ((half, IMAGES), (IMAGES, IMAGES))
    assert sorted(path.read_text().splitlines()) == whole[1]
    assert case.run(path) == whole[0], "there is nothing left to do but to try the broken one"
    assert path.read_text().count("\n") == IMAGES


def test_file_that_ends_inside_a_line_loses_that_line_alone(case: Case, whole, tmp_path: Path) -> None:
    path = tmp_path / "results.jsonl"
    text = "".join(f"{line}\n" for line in whole[1])
    ends = [index for index, character in enumerate(text) if character == "\n"]
    for cut, left in ((ends[4] + 1, 5), (ends[4] + 30, 5), (ends[4], 4), (3, 0)):
        path.write_text(text[:cut])
        calls: list[tuple[int, int]] = []
        assert case.run(path, progress=lambda *call, to=calls: to.append(call)) == whole[0]
        assert calls[0] == (left, IMAGES)
        assert sorted(path.read_text().splitlines()) == whole[1]


def test_garbled_and_repeated_lines_count_once(case: Case, whole, tmp_path: Path) -> None:
    path = tmp_path / "results.jsonl"
    lines = [line.replace('"signal": ', '"signal": "x') if '"c1/' in line else line for line in whole[1]]
    lines += [*whole[1][:9], "{}", "[1]", "null", "\0\0\0"]
    path.write_text("\n".join(lines) + "\n")
    assert case.run(path) == whole[0]


def test_another_network_or_image_is_evaluated_anew(case: Case, whole, tmp_path: Path) -> None:
    path = tmp_path / "results.jsonl"
    case.run(path)
    calls: list[tuple[int, int]] = []
    other = case.run(
        path, preprocessing=dataclasses.replace(authors(32), resize=32), progress=lambda *c: calls.append(c)
    )
    assert calls[0] == (0, IMAGES)
    assert other.sqnr_db != whole[0].sqnr_db
    assert case.run(path) == whole[0], "both stay in the file"
    source = case.folder / "images"
    listed = tmp_path / "list.txt"
    listed.write_text("".join(f"{source / file.name} {file.category[1:]}\n" for file in case.images.files))
    results = tmp_path / "listed.jsonl"
    assert evaluate_images(*case.pair, find_images(listed), results).top1_float == whole[0].top1_float
    changed = tmp_path / "changed.png"
    changed.write_bytes((source / "c0/00.png").read_bytes())
    listed.write_text(f"{changed} 0\n")
    evaluate_images(*case.pair, find_images(listed), results)
    changed.write_bytes((source / "c1/01.png").read_bytes())
    evaluate_images(*case.pair, find_images(listed), results)
    lines = [json.loads(line) for line in results.read_text().splitlines()]
    both = [line for line in lines if line["image"] == str(changed)]
    assert len(both) == 2
    assert both[0]["signal"] != both[1]["signal"]


def test_image_that_could_not_be_read_is_tried_again(
    case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even where its file looks the same: a decoder may have been missing."""
    listed = tmp_path / "list.txt"
    listed.write_text("".join(f"{case.folder / 'images' / file.name} 0\n" for file in case.images.files[:3]))

    def run(failing: int):
        calls: list[Path] = []

        def sometimes(path: Path, preprocessing):
            calls.append(path)
            if len(calls) <= failing:
                raise UnreadableImageError("no decoder")
            return prepare(path, preprocessing)

        monkeypatch.setattr("pointwise.model.evaluate.both.prepare", sometimes)
        return evaluate_images(*case.pair, find_images(listed), tmp_path / "r.jsonl"), len(calls)

    with pytest.raises(
        PointwiseError, match=r"None of the 3 images .* can be read \(.*00\.png: no decoder …\)"
    ):
        run(failing=3)
    figures, calls = run(failing=1)
    assert (figures.images, len(figures.unreadable), calls) == (2, 1, 3)
    assert len((tmp_path / "r.jsonl").read_text().splitlines()) == 5, "the same failure is written once"
    figures, calls = run(failing=0)
    assert (figures.images, figures.unreadable, calls) == (3, (), 1)
    assert run(failing=0) == (figures, 0)


def test_other_weights_or_integers_in_the_same_files_are_evaluated_anew(case: Case, tmp_path: Path) -> None:
    checkpoint, network = (Path(shutil.copy(path, tmp_path)) for path in case.pair)
    weights = load_checkpoint(checkpoint)

    def run() -> tuple[int, float]:
        calls: list[tuple[int, int]] = []
        figures = evaluate_images(
            checkpoint,
            network,
            case.images.first(3),
            tmp_path / "r.jsonl",
            progress=lambda *call: calls.append(call),
        )
        return calls[0][0], figures.sqnr_db

    _, before = run()
    assert run() == (3, before)
    calibration = sample(case.images, weights.prepared, 8, seed=1)[0]
    save_network(network, DeiTNetwork(CONFIG, weights.state).quantise(calibration))
    done, requantised = run()
    assert done == 0 and requantised != before
    weights.state["blocks.0.mlp.fc1.weight"][0, 0] += 1
    save_checkpoint(checkpoint, weights)
    done, changed = run()
    assert done == 0 and changed != requantised


def test_images_of_another_network_are_told(case: Case, tmp_path: Path) -> None:
    config = dataclasses.replace(CONFIG, depth=2)
    save_checkpoint(tmp_path / "deeper.safetensors", synthetic_checkpoint(config))
    with pytest.raises(PointwiseError, match=r"has depth 1, but the checkpoint .* has 2"):
        evaluate_images(tmp_path / "deeper.safetensors", case.pair[1], case.images, tmp_path / "r.jsonl")
    with pytest.raises(PointwiseError, match="0 processes were asked for"):
        case.run(tmp_path / "r.jsonl", executor=Local(0))


def test_file_belongs_to_one_process(tmp_path: Path) -> None:
    with (
        ResultsFile(tmp_path / "r.jsonl", "a"),
        pytest.raises(PointwiseError, match="are being written by another command"),
        ResultsFile(tmp_path / "r.jsonl", "b"),
    ):
        pass
    with (
        pytest.raises(PointwiseError, match="cannot be opened"),
        ResultsFile(tmp_path, "a"),
    ):
        pass


def test_tally_by_hand() -> None:
    results = [
        ImageResult("a", "", (1, 2), (1, 0), 100.0, 1.0),
        ImageResult("b", "", error="broken"),
        ImageResult("c", "", (0, 2), (2, 1), 100.0, 1.0),
    ]
    figures = tally(results, np.array([1, 1, 2]))
    assert (figures.top1_float, figures.top5_float) == (50, 100)
    assert (figures.top1_integer, figures.top5_integer) == (100, 100)
    assert (figures.agreement, figures.images, figures.unreadable) == (50, 2, ("b",))
    assert figures.sqnr_db == pytest.approx(20)
    assert tally(results, None).to_dict()["top1_float"] is None
    assert tally(results[1:2], None).to_dict()["sqnr_db"] is None
