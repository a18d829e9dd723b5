"""`pointwise quantise` and `pointwise evaluate` on images in files, and what becomes of an evaluation that is
interrupted in every way there is."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pointwise.model.checkpoints import save_checkpoint
from pointwise.model.networks import DeiTConfig
from pointwise.model.synthetic import synthetic_checkpoint
from pointwise.sim.cli import main

ROOT = Path(__file__).parents[2]
POINTWISE = [sys.executable, "-c", "import sys; from pointwise.sim.cli import main; sys.exit(main())"]
CONFIG = DeiTConfig(32, 2, 3, 16, 1, 2, 2, 3)
"""257 tokens, so that three images are a part of the work."""
IMAGES = 24


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Images of three classes, a checkpoint, and the integers that the command made of both."""
    folder = tmp_path_factory.mktemp("command")
    rng = np.random.default_rng(0)
    for index in range(IMAGES):
        path = folder / "images" / f"c{index % 3}" / f"{index:02}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 256, (33, 33, 3), np.uint8)).save(path)
    save_checkpoint(folder / "net.safetensors", synthetic_checkpoint(CONFIG))
    arguments = ["--images", str(folder / "images"), "--calibration", "8", "--preprocess", "authors"]
    out = ["--out", str(folder / "integers.safetensors")]
    assert main(["quantise", "--checkpoint", str(folder / "net.safetensors"), *arguments, *out]) == 0
    return folder


def arguments(folder: Path, results: Path, images: Path | None = None, workers: int = 1) -> list[str]:
    return [
        *("evaluate", "--checkpoint", str(folder / "net.safetensors"), "--preprocess", "authors"),
        *("--network", str(folder / "integers.safetensors"), "--images", str(images or folder / "images")),
        *("--results", str(results), "--workers", str(workers), "--out", str(results.with_suffix(".json"))),
    ]


def figures(folder: Path, results: Path, images: Path | None = None) -> dict[str, object]:
    """What the command writes when nothing disturbs it (any more)."""
    assert main(arguments(folder, results, images)) == 0
    return json.loads(results.with_suffix(".json").read_text())


@pytest.fixture(scope="module")
def expected(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    return figures(folder, tmp_path_factory.mktemp("expected") / "results.jsonl")


def test_table_has_what_the_papers_has(
    folder: Path, expected, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert figures(folder, tmp_path / "results.jsonl") == expected
    shown = capsys.readouterr().out
    assert f"net, {IMAGES} images" in shown
    for words in ("float32", "integers", "difference", "top-1", "same class", "dB"):
        assert words in shown
    assert "Images are prepared so: 36 bicubic, centre 32, mean 0.485 0.456 0.406, deviation" in shown
    assert "top-5" not in shown, "all of three classes are among the first five"
    assert f"{IMAGES} images are few" in shown
    assert f"{expected['top1_float']:.2f} %" in shown
    assert (expected["images"], expected["unreadable"]) == (IMAGES, [])
    assert expected["sqnr_db"] > 20


def children(process: subprocess.Popen) -> list[int]:
    listed = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    return [int(number) for number in listed]


def wait_until(condition, what: str) -> None:
    end = time.monotonic() + 300
    while not condition():
        assert time.monotonic() < end, what
        time.sleep(0.02)


@pytest.mark.parametrize(("sent", "status"), [(signal.SIGINT, 130), (signal.SIGKILL, -signal.SIGKILL)])
def test_interrupted_command_goes_on_where_it_was(
    folder: Path, expected, tmp_path: Path, sent, status
) -> None:
    """One image never comes; when all but its part of the work is done, the command is ended."""
    images, results = tmp_path / "images", tmp_path / "results.jsonl"
    shutil.copytree(folder / "images", images)
    stuck = images / "c1" / "10.png"
    stuck.unlink()
    os.mkfifo(stuck)  # whoever opens it waits
    with subprocess.Popen(
        [*POINTWISE, *arguments(folder, results, images, workers=2)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            wait_until(
                lambda: results.exists() and results.read_text().count("\n") == IMAGES - 3, "most are done"
            )
            started = children(process)
            process.send_signal(sent)
            _, stderr = process.communicate(timeout=120)
        finally:
            process.kill()
    assert process.returncode == status
    if sent == signal.SIGINT:
        assert stderr == (
            f"pointwise: interrupted: {IMAGES - 3} of {IMAGES} images are done and kept in {results}; the "
            "same command goes on from there\n"
        )
    assert len(started) >= 2
    wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in started), "no process is left")
    before = results.read_text().splitlines()
    results.write_text("\n".join(before)[:-40])  # as if it had been killed in the middle of a line, too
    stuck.unlink()
    shutil.copy(folder / "images" / "c1" / "10.png", stuck)
    assert figures(folder, results, images) == expected
    after = results.read_text().splitlines()
    assert after[: len(before) - 1] == before[:-1]
    assert len({json.loads(line)["image"] for line in after}) == len(after) == IMAGES


def test_an_interruption_while_workers_import_is_one_sentence(folder: Path, tmp_path: Path) -> None:
    """Ctrl-C reaches all processes of a terminal, also those that cannot say yet that they ignore it."""
    results = tmp_path / "results.jsonl"
    with subprocess.Popen(
        [*POINTWISE, *arguments(folder, results, workers=2)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            # multiprocessing's own process for resources is the first, and a worker has begun when it has
            # mapped Python's library for pickles; torch, which takes a second, comes after that.
            wait_until(lambda: any(map(_imports, children(process))), "a worker has begun to import")
            os.killpg(process.pid, signal.SIGINT)
            _, stderr = process.communicate(timeout=120)
        finally:
            process.kill()
    assert process.returncode == 130
    assert stderr == (
        f"pointwise: interrupted: 0 of {IMAGES} images are done and kept in {results}; the same command "
        "goes on from there\n"
    )


def _imports(pid: str) -> bool:
    """Whether a process is a worker that is at its imports."""
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
        return b"spawn_main" in command and "_pickle" in Path(f"/proc/{pid}/maps").read_text()
    except OSError:
        return False


def test_cluster_and_this_machine_share_the_work(folder: Path, expected, tmp_path: Path) -> None:
    """One image never comes. A worker is killed in the middle, the command is interrupted, and one without a
    cluster goes on."""
    pytest.importorskip("distributed")
    from tests.model.parallel.cluster import cluster

    images, results = tmp_path / "images", tmp_path / "results.jsonl"
    shutil.copytree(folder / "images", images)
    stuck = images / "c1" / "10.png"
    stuck.unlink()
    os.mkfifo(stuck)
    with cluster(tmp_path, "one", "two") as made:
        call = [word for word in arguments(folder, results, images) if word not in ("--workers", "1")]
        with subprocess.Popen(
            [*POINTWISE, *call],
            env={**os.environ, "PYTHONPATH": str(ROOT), "POINTWISE_SCHEDULER": made.address},
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            try:
                wait_until(lambda: results.exists() and results.read_text().count("\n") >= 3, "some are done")
                made.end("one")
                made.start_worker("three")
                wait_until(lambda: results.read_text().count("\n") == IMAGES - 3, "most are done")
                process.send_signal(signal.SIGINT)
                _, stderr = process.communicate(timeout=120)
            finally:
                process.kill()
        assert process.returncode == 130
        assert stderr.count("\n") == 1 and "the same command goes on" in stderr
    stuck.unlink()
    shutil.copy(folder / "images" / "c1" / "10.png", stuck)
    assert figures(folder, results, images) == expected
    lines = [json.loads(line)["image"] for line in results.read_text().splitlines()]
    assert len(set(lines)) == len(lines) == IMAGES


def test_unreadable_images_are_named_and_counted(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    listing = tmp_path / "list.txt"
    good = [f"{path} {path.parent.name}\n" for path in sorted((folder / "images").rglob("*.png"))[:3]]
    listing.write_text("".join([*good, *(f"lost{i}.png c0\n" for i in range(6))]))
    call = arguments(folder, tmp_path / "results.jsonl", listing)
    assert main(call) == 1, "the list shows one class, the network has three"
    listing.write_text(listing.read_text().replace(" c0", " 0"))
    assert main(call) == 0
    shown = capsys.readouterr().out
    assert "net, 3 images" in shown
    assert "6 images could not be read: lost0.png, lost1.png, lost2.png, lost3.png, lost4.png and 1" in shown


def test_missing_options_are_told(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", "--images", str(folder / "images")]) == 1
    assert "need --checkpoint and --network" in capsys.readouterr().err


def test_options_of_images_in_files_go_with_no_others(capsys: pytest.CaptureFixture[str]) -> None:
    for count in ([], ["--count", "4"]):
        assert main(["evaluate", *count, "--workers", "0", "--preprocess", "nonsense"]) == 1
        assert "--preprocess and --workers go with images in files" in capsys.readouterr().err


def test_folder_may_have_a_number_as_its_name(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "2012").symlink_to(folder / "images")
    monkeypatch.chdir(tmp_path)
    assert figures(folder, tmp_path / "results.jsonl", Path("2012"))["images"] == IMAGES


def test_integers_of_a_file_are_those_that_are_compared(folder: Path, tmp_path: Path) -> None:
    """On made-up images, for which this command calibrates otherwise than the one that made the file."""
    call = ["evaluate", "--checkpoint", str(folder / "net.safetensors"), "--count", "2"]
    figures = []
    for network in ([], ["--network", str(folder / "integers.safetensors")]):
        assert main([*call, *network, "--out", str(tmp_path / "figures.json")]) == 0
        figures.append(json.loads((tmp_path / "figures.json").read_text()))
    assert figures[0]["sqnr_db"] != figures[1]["sqnr_db"]
    assert figures[0]["top1_float"] is None


def test_count_takes_a_part_of_every_class(folder: Path, tmp_path: Path) -> None:
    assert main([*arguments(folder, tmp_path / "r.jsonl"), "--count", "6"]) == 0
    names = [json.loads(line)["image"] for line in (tmp_path / "r.jsonl").read_text().splitlines()]
    assert sorted(name.split("/")[0] for name in names) == ["c0", "c0", "c1", "c1", "c2", "c2"]
