"""``pointwise blocks``: from pictures to what a core reads, and from what it writes to classes."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pointwise.model.checkpoints import save_checkpoint
from pointwise.model.graph import run
from pointwise.model.images.prepare import prepare
from pointwise.model.images.preprocessing import plain
from pointwise.model.networks import DeiTConfig
from pointwise.model.quantise import load_network, patchify
from pointwise.model.synthetic import synthetic_checkpoint
from pointwise.sim.cli import main

CONFIG = DeiTConfig(image_size=8, patch=4, in_channels=3, dim=64, depth=1, heads=1, mlp_ratio=2, classes=3)
COUNT = 6


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pictures of three classes, integers that were calibrated on them, and an image of these."""
    folder = tmp_path_factory.mktemp("blocks")
    rng = np.random.default_rng(0)
    for index in range(COUNT):
        path = folder / "val" / f"c{index % 3}" / f"{index}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 256, (10, 12, 3), np.uint8)).save(path)
    save_checkpoint(folder / "net.safetensors", synthetic_checkpoint(CONFIG))
    integers = folder / "integers.safetensors"
    call = ["quantise", "--checkpoint", str(folder / "net.safetensors"), "--images", str(folder / "val")]
    assert main([*call, "--preprocess", "plain", "--out", str(integers)]) == 0
    call = ["compile", "--network", str(integers), "--images", str(folder / "val"), "--config", "tiny"]
    assert main([*call, "--out", str(folder / "image")]) == 0
    return folder


def blocks(folder: Path, *words: str) -> int:
    action, *rest = words
    return main(["blocks", action, str(folder / "image"), *rest])


def test_from_pictures_to_classes(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made, ran = tmp_path / "in", tmp_path / "out"
    assert blocks(folder, "make", "--images", str(folder / "val"), "--out", str(made)) == 0
    assert (
        "mean 0.5, deviation 0.5 (as those that the integers were calibrated on)" in capsys.readouterr().out
    )
    index = json.loads((made / "blocks.json").read_text())
    names = [entry["image"] for entry in index["blocks"]]
    assert names == sorted(f"c{number % 3}/{number}.png" for number in range(COUNT))
    files = [made / entry["file"] for entry in index["blocks"]]
    assert files[0].read_bytes() == (folder / "image" / "input.bin").read_bytes()

    assert blocks(folder, "run", *map(str, files), "--out", str(ran)) == 0
    outputs = [ran / f"{file.stem}.out.bin" for file in files]
    (tmp_path / "all.bin").write_bytes(b"".join(path.read_bytes() for path in outputs))
    results = tmp_path / "results.json"
    assert blocks(folder, "read", str(tmp_path / "all.bin"), "--out", str(results)) == 0
    assert f"all.bin [{COUNT - 1}]" in capsys.readouterr().out

    network = load_network(folder / "integers.safetensors")
    for name, result in zip(names, json.loads(results.read_text())["results"], strict=True):
        pixels = prepare(folder / "val" / name, plain(8))[None]
        logits = network.real(network.output, run(network, patchify(network, pixels)[0])[network.output])
        assert result["logits"] == pytest.approx(logits.reshape(-1).tolist(), rel=1e-12)
        assert result["class"] == int(np.argmax(logits))


def test_count_and_preprocess(folder: Path, tmp_path: Path) -> None:
    call = ["make", "--images", str(folder / "val"), "--count", "2"]
    assert blocks(folder, *call, "--out", str(tmp_path / "a")) == 0
    assert blocks(folder, *call, "--preprocess", "authors", "--out", str(tmp_path / "b")) == 0
    a, b = (sorted((tmp_path / name).glob("*.bin")) for name in "ab")
    assert len(a) == 2 and [path.name for path in a] == [path.name for path in b]
    assert a[0].read_bytes() != b[0].read_bytes()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["make"], "of which images? Give a folder or a list with --images"),
        (["make", "--images", "val", "x.bin"], "wants images"),
        (["run"], "wants files with blocks"),
        (["read", "x.bin", "--count", "3"], "--count goes with pointwise blocks make"),
        (["read", "none.bin"], "none.bin"),
        (["run", "short.bin"], "has 5 bytes, but input blocks of this network have"),
    ],
)
def test_what_is_wrong_is_told(
    folder: Path,
    words: list[str],
    told: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(folder)
    Path("short.bin").write_bytes(b"short")
    assert blocks(folder, *words) == 1
    assert told in capsys.readouterr().err


def test_a_manifest_that_does_not_fit_itself_is_told(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("image.bin", "manifest.json"):
        (tmp_path / name).write_bytes((folder / "image" / name).read_bytes())
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    call = ["blocks", "make", str(tmp_path), "--images", str(folder / "val")]
    for change, told in (
        ({"patch": 2}, "does not fit its input"),
        ({"scale": [1.0]}, "does not fit its input"),
        ({"patch": "x"}, "what the network says of its input is damaged"),
    ):
        info = {**manifest["info"], "input": manifest["info"]["input"] | change}
        (tmp_path / "manifest.json").write_text(json.dumps(manifest | {"info": info}))
        assert main(call) == 1
        assert told in capsys.readouterr().err


def test_without_an_image_there_is_no_input_block_and_it_is_said(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    call = ["compile", "--network", str(folder / "integers.safetensors"), "--config", "tiny"]
    assert main([*call, "--out", str(tmp_path)]) == 0
    assert "no input block was written: give an image with --images" in capsys.readouterr().out
    assert not (tmp_path / "input.bin").exists()
