"""``pointwise export``: what it writes, what Verilog reads, and what it refuses."""

import json
from pathlib import Path

import numpy as np
import pytest

from pointwise.hw.contract.image import check
from pointwise.model import digits
from pointwise.model.export import FORMATS
from pointwise.model.frontends import DeiTNetwork
from pointwise.model.networks import DeiTConfig
from pointwise.model.quantise import save_network
from pointwise.model.synthetic import synthetic_checkpoint, synthetic_images
from pointwise.sim.bench import bench
from pointwise.sim.cli import main

CORE = ["--rows", "4", "--cols", "4", "--max-tokens", "16", "--act-kib", "8", "--res-kib", "2"]
CONFIG = DeiTConfig(image_size=4, patch=2, in_channels=1, dim=8, depth=1, heads=2, mlp_ratio=2, classes=3)
HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("network") / "small.safetensors"
    images = synthetic_images(CONFIG, 4).numpy()
    save_network(path, DeiTNetwork(CONFIG, synthetic_checkpoint(CONFIG).state, "small").quantise(images))
    return path


@pytest.fixture
def export(network: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """Runs the command and returns its status, the folder and what was said on stderr."""

    def run(*arguments: str) -> tuple[int, Path, str]:
        folder = tmp_path / "out"
        status = main(["export", "--network", str(network), "--out", str(folder), *arguments])
        return status, folder, capsys.readouterr().err

    return run


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_all_formats(export):
    status, folder, _ = export(*CORE, "--format", "all")
    assert status == 0
    expected = [f"{'image' if form.memory else 'small'}{form.suffix}" for form in FORMATS.values()]
    assert names(folder) == sorted(expected)
    check((folder / "image.bin").read_bytes())


def test_the_input_goes_with_the_image(tmp_path: Path):
    """The first held-out digit: its pixels are what the input block holds between the padding."""
    assert main(["export", "--format", "raw", "--format", "hex", "--out", str(tmp_path)]) == 0
    assert names(tmp_path) == ["image.bin", "image.hex", "inputs.bin", "inputs.hex"]
    header = check((tmp_path / "image.bin").read_bytes())
    block = (tmp_path / "inputs.bin").read_bytes()
    assert len(block) == header.input_bytes
    pixels = digits.load().held_out.pixels[0].astype(int) - 8
    assert sorted(np.frombuffer(block, np.int8)) == sorted([*pixels.ravel(), *[0] * (len(block) - 64)])


def test_formats_in_a_list_and_in_several_options(export):
    status, folder, _ = export(*CORE, "--format", "raw,mif", "--format", "coe")
    assert (status, names(folder)) == (0, ["image.bin", "image.coe", "image.mif"])


def test_without_a_format_there_is_one_for_each_kind_of_reader(export):
    status, folder, _ = export(*CORE)
    assert status == 0
    assert names(folder) == ["image.bin", "image.hex", "small.npz", "small.onnx", "small.pt"]
    # A word is a beat of the bus.
    assert {len(line) for line in (folder / "image.hex").read_text().split()} == {128 // 4}


def test_tensors_and_words(export):
    status, folder, _ = export("--tensors", "--format", "hex", "--word-bits", "32")
    assert status == 0
    assert {len(line) for path in folder.iterdir() for line in path.read_text().split()} == {8}
    assert "blocks.0.mlp.fc1.weight.hex" in names(folder)


@pytest.mark.parametrize("difference", [0, 1])
def test_verilog_reads_hex_binary_and_mem(export, difference: int):
    _, folder, _ = export(*CORE, "--format", "hex,binary,mem,raw", "--word-bits", "64")
    raw = folder / "image.bin"
    words = raw.stat().st_size // 8
    if difference:  # the test can fail
        data = bytearray(raw.read_bytes())
        data[-70] ^= 1
        raw.write_bytes(data)
    files = {name: folder / f"image{FORMATS[name].suffix}" for name in ("hex", "binary", "mem", "raw")}
    bench(
        [HERE / "readmem.sv"],
        "readmem",
        HERE / "bench_readmem.py",
        parameters={"DEPTH": words},
        config={"words": words, "differences": difference},
        plusargs=files,
    )


def test_vectors_of_a_digit(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    folder = tmp_path / "vectors"
    assert main(["export", "--vectors", "--out", str(folder)]) == 0
    index = json.loads((folder / "vectors.json").read_text())
    files = {part["file"] for one in index["operations"] for part in one["files"].values()}
    assert files | {"vectors.json", "micro.qint8.pt"} == set(names(folder))
    assert f"{len(files) + 2} files in {folder}" in " ".join(capsys.readouterr().out.split())
    assert index["operations"][-1]["writes"] == index["output"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--format", "vhdl"], "There is no export format 'vhdl'"),
        (["--format", "onnx", "--word-bits", "8"], "--word-bits is for memory files, and none was asked for"),
        (["--format", "torch", "--tensors"], "--tensors is for memory files"),
        (["--format", "hex", "--word-bits", "12"], "Words of 12 bits were asked for"),
        (["--format", "hex", "--word-bits", "0"], "Words of 0 bits were asked for"),
        (["--format", "hex", "--word-bits", "0", "--tensors"], "Words of 0 bits were asked for"),
        (["--format", ","], "No export format was named; choose among hex"),
        (["--vectors", "--format", "hex"], "--vectors are files of their own; leave out --format"),
        (["--vectors", "--tensors"], "--vectors are files of their own"),
        (["--vectors"], "none was given; give inputs of the network (--images on the command line)"),
        (["--format", "hex", "--rows", "65"], "core parameter rows = 65 is out of range"),
    ],
)
def test_what_cannot_be_is_told_in_a_sentence_and_nothing_is_written(
    export, arguments: list[str], words: str
):
    status, folder, said = export(*arguments)
    assert status == 1
    assert words in said and said.count("\n") == 1
    assert not folder.exists()
