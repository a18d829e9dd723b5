"""The commands take a checkpoint in any layout, and the layout makes no difference to what the core runs."""

import json
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch
import transformers
from rich.console import Console

import pointwise as pw
from pointwise.model.checkpoints import load_checkpoint, save_checkpoint
from pointwise.model.graph.ops import Linear
from pointwise.model.quantise import load_network
from pointwise.sim.cli import main
from pointwise.sim.cli.sim import _workload
from pointwise.sim.cli.weights import Weights
from pointwise.sim.workload import load_weights, of_digits

SIZES = {
    "hidden_size": 16,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "intermediate_size": 32,
    "image_size": 8,
    "patch_size": 4,
    "layer_norm_eps": 1e-6,
    "num_labels": 5,
}


@pytest.fixture(scope="module")
def layouts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """One distilled network in the four layouts."""
    folder = tmp_path_factory.mktemp("layouts")
    torch.manual_seed(0)
    net = transformers.DeiTForImageClassificationWithTeacher(transformers.DeiTConfig(**SIZES))
    net.save_pretrained(folder / "huggingface")
    checkpoint = load_checkpoint(folder / "huggingface")
    torch.save({"model": checkpoint.state}, folder / "authors.pth")
    safetensors.torch.save_file(checkpoint.state, folder / "timm.safetensors")
    save_checkpoint(folder / "ours.safetensors", checkpoint)
    return {path.stem: path for path in sorted(folder.iterdir())}


def test_memory_images_are_the_same(layouts: dict[str, Path], tmp_path: Path) -> None:
    images = {}
    for name, path in layouts.items():
        call = ["compile", "--checkpoint", str(path), "--config", "tiny", "--out", str(tmp_path / name)]
        heads = ["--heads", "2"] if name in ("authors", "timm") else []
        assert main([*call, *heads]) == 0, name
        images[name] = (tmp_path / name / "image.bin").read_bytes()
    assert len(images) == 4
    assert len(set(images.values())) == 1
    assert len(images["ours"]) > 1000


def test_heads_that_nobody_knows_are_asked_for(
    layouts: dict[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["quantise", "--checkpoint", str(layouts["authors"])]) == 1
    assert (
        "how many attention heads share its 16 channels; name the network, or give the heads (--heads)"
        in (capsys.readouterr().err)
    )


def test_name_and_weights_are_those_of_what_was_asked_for(layouts: dict[str, Path]) -> None:
    name, weights = load_weights(None, layouts["huggingface"])
    assert (name, weights.layout, of_digits(weights.config)) == ("huggingface", "Hugging Face", False)
    name, weights = load_weights(None, None)
    assert (name, of_digits(weights.config)) == ("micro", True)
    name, weights = load_weights("deit_tiny", None)
    assert (name, weights.config.dim) == ("deit_tiny", 192)


def test_averaged_weights_are_asked_for_by_name(
    layouts: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    state = load_checkpoint(layouts["authors"], heads=2).state
    shifted = {name: tensor + 0.01 for name, tensor in state.items()}
    torch.save({"model": state, "model_ema": shifted}, tmp_path / "both.pth")
    torch.save(shifted, tmp_path / "shifted.pth")
    made = {}
    for path, more in (("both.pth", ["--ema"]), ("shifted.pth", [])):
        out = tmp_path / f"{path}.safetensors"
        call = ["quantise", "--checkpoint", str(tmp_path / path), "--heads", "2", "--calibration", "4"]
        assert main([*call, "--out", str(out), *more]) == 0
        made[path] = load_network(out)
    one, other = made.values()
    assert all(np.array_equal(one[op.name].weight, op.weight) for op in other.ops if isinstance(op, Linear))
    assert main(["quantise", "--checkpoint", str(tmp_path / "shifted.pth"), "--heads", "2", "--ema"]) == 1
    assert "holds no averaged weights" in capsys.readouterr().err
    assert main(["quantise", "--ema"]) == 1
    assert "--ema chooses among the weights of a checkpoint" in capsys.readouterr().err


def test_every_command_takes_averaged_weights(layouts: dict[str, Path], tmp_path: Path) -> None:
    """compile, export, report and sim work on them as on a file that holds nothing else."""
    state = load_checkpoint(layouts["authors"], heads=2).state
    shifted = {name: tensor + 0.01 for name, tensor in state.items()}
    for folder in ("both", "alone"):
        (tmp_path / folder).mkdir()
    torch.save({"model": state, "model_ema": shifted}, tmp_path / "both" / "net.pth")
    torch.save(shifted, tmp_path / "alone" / "net.pth")
    core = ["--max-tokens", "64", "--act-kib", "64", "--res-kib", "16"]
    made = {}
    for path, more in (("both/net.pth", ["--ema"]), ("alone/net.pth", [])):
        given = ["--checkpoint", str(tmp_path / path), "--heads", "2", *more]
        out = (tmp_path / path).parent
        assert main(["compile", *given, *core, "--out", str(out / "image")]) == 0
        assert main(["export", *given, "--format", "numpy", "--out", str(out / "export")]) == 0
        assert main(["quantise", *given, "--out", str(out / "int8.safetensors")]) == 0
        report = ["report", str(out / "int8.safetensors"), *given, "--count", "2", "--alone", "0"]
        assert main([*report, "--out", str(out / "report")]) == 0
        weights = Weights(None, tmp_path / path, 2, bool(more))
        console = Console(quiet=True)
        ran = _workload(console, pw.core("tiny"), weights, None, None, 1, None, out / "sim")[1].network
        with np.load(next((out / "export").glob("*.npz"))) as arrays:
            exported = {name: arrays[name].tobytes() for name in arrays.files}
        layers = json.loads((out / "report" / "quantisation.json").read_text())["measure"]["layers"]
        made[path] = (
            (out / "image" / "image.bin").read_bytes(),
            exported,
            layers,
            [op.weight.tobytes() for op in ran.ops if isinstance(op, Linear)],
        )
    one, other = made.values()
    assert one == other
