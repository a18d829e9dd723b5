"""Networks by name: trained where their images are installed, else made up, which is told."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pointwise.hw.contract.errors import PointwiseError
from pointwise.model import handwriting
from pointwise.model.handwriting import SIDE, Handwriting, HandwritingImages
from pointwise.model.models.made_up import PICTURES, made_up
from pointwise.model.models.vision import VISION
from pointwise.model.real import packages
from pointwise.sim import by_name
from pointwise.sim.by_name import named_network, named_workload
from pointwise.sim.cli import main
from pointwise.sim.convolutional import preparation_of
from pointwise.sim.trained import trained


def installed() -> bool:
    try:
        handwriting.load()
    except PointwiseError:
        return False
    return True


@pytest.fixture
def digits(monkeypatch: pytest.MonkeyPatch) -> Handwriting:
    """Some images that are no digits, in place of the installed ones."""
    rng = np.random.default_rng(3)

    def images(count: int) -> HandwritingImages:
        pixels = rng.integers(0, 256, (count, 1, SIDE, SIDE)).astype(np.uint8)
        return HandwritingImages(pixels, rng.integers(0, 10, count))

    data = Handwriting(images(8), images(5), images(6))
    monkeypatch.setattr(handwriting, "load", lambda: data)
    return data


def test_a_trained_network_runs_held_out_images(digits: Handwriting) -> None:
    load = named_workload("resnet20", 2)
    assert load is not None and load.name == "resnet20" and load.source is not None
    assert (load.images == digits.held_out.normalised()[:2]).all()
    assert load.labels is not None and (load.labels == digits.held_out.labels[:2]).all()
    every = named_workload("mobilenet_v1_quarter", every=True)
    assert every is not None and len(every.images) == 5
    with pytest.raises(PointwiseError, match="6 images were asked for, but resnet20 has 5"):
        named_workload("resnet20", 6)


def test_what_is_not_installed_is_made_up_and_told(monkeypatch: pytest.MonkeyPatch) -> None:
    handwriting.load.cache_clear()
    monkeypatch.setattr(packages, "find_spec", lambda package: None)
    monkeypatch.setattr(by_name, "SYNTHETIC_CALIBRATION", 2)
    told: list[str] = []
    load = named_workload("resnet20", 1, note=told.append)
    assert load is not None and load.labels is None and load.images.shape == (1, 3, 32, 32)
    assert "made-up weights: The Python package mlxtend is not installed; run make real." in told[0]
    with pytest.raises(PointwiseError, match="mlxtend is not installed"):
        named_workload("mobilenet_v1_quarter")


def test_other_names_are_left_to_others() -> None:
    assert named_workload("micro") is None and named_workload(None) is None and trained("micro") is None
    with pytest.raises(PointwiseError, match="0 images were asked for"):
        named_workload("resnet20", 0)


@pytest.mark.skipif(not installed(), reason="run make real")
@pytest.mark.parametrize("name", ["resnet20", "mobilenet_v1_quarter"])
def test_integers_keep_what_was_learnt(name: str) -> None:
    import pointwise as pw

    load = named_workload(name, 300)
    assert load is not None and load.source is not None
    found = pw.evaluate(load.network, load.source, load.images, load.labels)
    assert found.top1_float > 96 and abs(found.top1_float - found.top1_integer) <= 0.7
    assert found.agreement >= 99 and found.sqnr_db > 28


def test_a_vision_transformer_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """With made-up weights, and told where there are others that are not installed."""
    monkeypatch.setattr(by_name, "SYNTHETIC_CALIBRATION", 2)
    monkeypatch.setattr(packages, "find_spec", lambda package: None)
    small = {
        name: replace(one, dim=16, depth=1, heads=2, patch=14, image_size=56) for name, one in VISION.items()
    }
    monkeypatch.setattr(by_name, "VISION", small)
    for name in VISION:
        told: list[str] = []
        load = named_workload(name, 2, note=told.append)
        assert load is not None and load.labels is None and load.images.shape == (2, 3, 56, 56)
        assert load.network.name == name and len(told) == (name == "dinov2_small")


def pictures(folder: Path) -> Path:
    rng = np.random.default_rng(4)
    folder.mkdir()
    for index in range(3):
        pixels = rng.integers(0, 256, (40, 36)).astype(np.uint8)
        Image.fromarray(pixels).save(folder / f"{index}.png")
    return folder


@pytest.mark.usefixtures("digits")
def test_quantised_by_name_on_images_of_ones_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """And evaluated, compiled and exported by that name, with what the integers say of their images."""
    shown, path = pictures(tmp_path / "pictures"), tmp_path / "int8.safetensors"
    assert main(["quantise", "--model", "resnet20", "--out", str(path)]) == 0
    assert "calibrated on 6 images that belong to resnet20" in capsys.readouterr().out
    given = ["--model", "resnet20", "--images", str(shown)]
    assert main(["quantise", *given, "--out", str(path), "--preprocess", "timm"]) == 0
    assert "calibrated on 3 images of" in capsys.readouterr().out
    out = tmp_path / "figures.json"
    assert main(["evaluate", *given, "--network", str(path), "--out", str(out)]) == 0
    told = " ".join(capsys.readouterr().out.split())
    assert "as those that the integers were calibrated on" in told and "28" in told
    assert json.loads(out.read_text())["sqnr_db"] > 15
    for command in (["compile"], ["export", "--format", "raw"]):
        assert main([*command, *given, "--out", str(tmp_path / command[0])]) == 0
        assert "as its own images are" in " ".join(capsys.readouterr().out.split())
    assert (tmp_path / "compile" / "input.bin").stat().st_size >= 28 * 28
    assert main(["evaluate", *given]) == 1
    assert "images in files need --network too" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        (["quantise", "--model", "resnet18", "--heads", "2"], "resnet18 has the heads that it has"),
        (["explore", "--model", "clip_vit_b32"], "clip_vit_b32 is known by its operators alone, and this"),
    ],
)
def test_what_names_cannot_do_is_a_sentence(
    line: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(line) == 1
    told = capsys.readouterr().err
    assert sentence in told and told.count("\n") == 1


@pytest.mark.parametrize("name", [*PICTURES, *VISION])
def test_every_made_up_network_says_how_its_images_are_prepared(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(by_name, "trained", lambda name: None)
    monkeypatch.setattr(by_name, "vision_transformer", lambda vision, name: made_up("resnet18", None))
    monkeypatch.setattr(by_name, "SYNTHETIC_CALIBRATION", 1)
    monkeypatch.setattr(by_name, "made_up", lambda name: made_up(name, None))
    found = named_network(name)
    assert found is not None and found.guess
    prepared = preparation_of(found, None)
    assert (prepared.preprocessing.size, len(prepared.preprocessing.mean)) == found.source.input_shape[1::-1]
