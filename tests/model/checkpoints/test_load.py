"""Checkpoints survive the disk, and whatever is wrong with one is told in a sentence."""

import dataclasses
import json
import struct
from collections import OrderedDict
from pathlib import Path

import pytest
import safetensors.torch
import torch
from torch import Tensor

from pointwise.hw.contract.errors import PointwiseError
from pointwise.model.checkpoints import (
    MICRO_DIGITS,
    Checkpoint,
    check_state,
    load_checkpoint,
    save_checkpoint,
)
from pointwise.model.images.preprocessing import Preprocessing, plain
from pointwise.model.networks import NETWORKS, DeiTConfig
from pointwise.model.synthetic import synthetic_checkpoint

CONFIG = DeiTConfig(8, 4, 1, 8, 2, 2, 2, 3)
SUFFIXES = (".safetensors", ".pth", ".pt")


@pytest.fixture
def checkpoint() -> Checkpoint:
    return synthetic_checkpoint(CONFIG)


def same(left: dict[str, Tensor], right: dict[str, Tensor]) -> bool:
    return list(left) == list(right) and all(torch.equal(left[key], right[key]) for key in left)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_round_trip_keeps_weights_network_and_notes(
    tmp_path: Path, checkpoint: Checkpoint, suffix: str
) -> None:
    path = tmp_path / f"net{suffix}"
    save_checkpoint(path, checkpoint)
    loaded = load_checkpoint(path)
    assert same(loaded.state, checkpoint.state)
    assert (loaded.config, loaded.notes) == (CONFIG, checkpoint.notes)
    assert load_checkpoint(path, CONFIG).config == CONFIG
    assert [file.name for file in tmp_path.iterdir()] == [path.name], "no temporary file stays"


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_round_trip_keeps_classes_and_preprocessing(
    tmp_path: Path, checkpoint: Checkpoint, suffix: str
) -> None:
    images = Preprocessing(8, (9, 10), "bilinear", crop_down=True, scale=0.5, mean=(0.1,), std=(0.7,))
    path = tmp_path / f"net{suffix}"
    full = dataclasses.replace(checkpoint, preprocessing=images, class_names=("a", "b", "c"))
    save_checkpoint(path, full)
    loaded = load_checkpoint(path)
    assert (loaded.preprocessing, loaded.class_names, loaded.layout) == (images, ("a", "b", "c"), "Pointwise")
    save_checkpoint(path, checkpoint)
    assert load_checkpoint(path).prepared == plain(8, 1)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_equal_checkpoints_are_equal_files(tmp_path: Path, checkpoint: Checkpoint, suffix: str) -> None:
    shuffled = dict(reversed(checkpoint.state.items()))
    for name, state in (("a", checkpoint.state), ("b", shuffled)):
        (tmp_path / name).mkdir()
        save_checkpoint(tmp_path / name / f"net{suffix}", Checkpoint(CONFIG, state, {"z": 1, "a": [2, "x"]}))
    first, second = ((tmp_path / name / f"net{suffix}").read_bytes() for name in "ab")
    assert first == second


@pytest.mark.parametrize(
    "wrap", [lambda s: {"model": s}, lambda s: {"state_dict": s, "epoch": 3}, lambda s: s]
)
def test_files_of_others(tmp_path: Path, checkpoint: Checkpoint, wrap) -> None:
    """The DeiT authors nest the weights under `model`; others under `state_dict`, or not at all."""
    path = tmp_path / "theirs.pth"
    torch.save(wrap(OrderedDict(checkpoint.state)), path)
    assert same(load_checkpoint(path, CONFIG).state, checkpoint.state)
    with pytest.raises(PointwiseError, match=r"does not say which network it is for: .* its 8 channels"):
        load_checkpoint(path)
    assert load_checkpoint(path, heads=CONFIG.heads).config == CONFIG
    with pytest.raises(PointwiseError, match="network's heads is 0, but it must be"):
        load_checkpoint(path, heads=0)


def test_pickle_of_numbered_tensors_is_told(tmp_path: Path) -> None:
    torch.save({0: torch.zeros(3)}, tmp_path / "net.pth")
    with pytest.raises(PointwiseError, match="holds something under 0, but tensors by name"):
        load_checkpoint(tmp_path / "net.pth")


def test_safetensors_of_others(tmp_path: Path, checkpoint: Checkpoint) -> None:
    safetensors.torch.save_file(checkpoint.state, tmp_path / "theirs.safetensors", {"format": "pt"})
    assert same(load_checkpoint(tmp_path / "theirs.safetensors", CONFIG).state, checkpoint.state)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_other_precisions_become_float32(checkpoint: Checkpoint, dtype: torch.dtype) -> None:
    stored = {key: value.to(dtype) for key, value in checkpoint.state.items()}
    state = check_state(stored, CONFIG, "x")
    assert {value.dtype for value in state.values()} == {torch.float32}
    assert all(torch.equal(state[key], stored[key].float()) for key in state)


def missing(state: dict[str, object]) -> None:
    del state["norm.bias"]


def several_missing(state: dict[str, object]) -> None:
    del state["pos_embed"], state["norm.bias"]


def unexpected(state: dict[str, object]) -> None:
    state["dist_token"] = torch.zeros(1, 1, 8)


def wrong_shape(state: dict[str, object]) -> None:
    state["pos_embed"] = torch.zeros(1, 17, 8)


def not_finite(state: dict[str, object]) -> None:
    state["head.weight"][1, 2] = float("nan")
    state["head.weight"][2, 2] = float("-inf")


def too_large(state: dict[str, object]) -> None:
    state["norm.weight"] = torch.full((8,), 1e300, dtype=torch.float64)


def integers(state: dict[str, object]) -> None:
    state["norm.weight"] = torch.ones(8, dtype=torch.int8)


def not_a_tensor(state: dict[str, object]) -> None:
    state["norm.weight"] = [1.0] * 8


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (missing, r"lacks norm\.bias, which the network needs"),
        (several_missing, r"lacks pos_embed and 1 more, which"),
        (unexpected, r"holds dist_token, which the network does not have"),
        (wrong_shape, r"pos_embed has the shape \(1, 17, 8\), but the network expects \(1, 5, 8\)"),
        (not_finite, r"2 of 24 weights of head\.weight are not finite"),
        (too_large, r"8 of 8 weights of norm\.weight are not finite"),
        (integers, r"norm\.weight is torch\.int8, but weights must be floating-point"),
        (not_a_tensor, r"norm\.weight is list, but weights must be floating-point"),
    ],
)
def test_weights_that_do_not_fit_are_told(tmp_path: Path, checkpoint: Checkpoint, spoil, words: str) -> None:
    spoil(checkpoint.state)
    path = tmp_path / "spoilt.pth"
    torch.save({"model": checkpoint.state}, path)
    with pytest.raises(PointwiseError, match=words) as told:
        load_checkpoint(path, CONFIG)
    assert str(path) in str(told.value)
    with pytest.raises(PointwiseError, match=words):
        save_checkpoint(tmp_path / "out.safetensors", Checkpoint(CONFIG, checkpoint.state))
    assert not (tmp_path / "out.safetensors").exists()


def test_another_network_than_asked_for_is_told(tmp_path: Path, checkpoint: Checkpoint) -> None:
    save_checkpoint(tmp_path / "net.safetensors", checkpoint)
    with pytest.raises(PointwiseError, match="its image_size is 8, while 224 was asked for"):
        load_checkpoint(tmp_path / "net.safetensors", NETWORKS["deit_tiny"])


def test_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(PointwiseError, match=r"There is no checkpoint file .*none\.pth"):
        load_checkpoint(tmp_path / "none.pth")


def test_unknown_ending_is_told(tmp_path: Path, checkpoint: Checkpoint) -> None:
    (tmp_path / "net.onnx").touch()
    with pytest.raises(PointwiseError, match=r"ends in \.onnx, but only \.safetensors"):
        load_checkpoint(tmp_path / "net.onnx")
    with pytest.raises(PointwiseError, match="ends in nothing"):
        save_checkpoint(tmp_path / "net", checkpoint)


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("damage", [lambda d: d[: len(d) // 2], lambda d: b"\x80\x05no" + d[9:]])
def test_damaged_file_is_told(tmp_path: Path, checkpoint: Checkpoint, suffix: str, damage) -> None:
    path = tmp_path / f"net{suffix}"
    save_checkpoint(path, checkpoint)
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(PointwiseError, match=r"cannot be read as a .* file of weights"):
        load_checkpoint(path, CONFIG)


class Dangerous:
    """What a pickle can smuggle in: unpickling it would call a function."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (Path.touch, (Path("touched"),))


def test_pickle_with_code_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save({"model": Dangerous()}, "evil.pth")
    with pytest.raises(PointwiseError, match=r"cannot be read, as beside weights it holds a getattr,"):
        load_checkpoint("evil.pth", CONFIG)
    assert not Path("touched").exists()


def test_pickle_of_something_else_is_told(tmp_path: Path) -> None:
    torch.save([1, 2], tmp_path / "list.pth")
    with pytest.raises(PointwiseError, match="holds a list, but tensors by name were expected"):
        load_checkpoint(tmp_path / "list.pth", CONFIG)


@pytest.mark.parametrize(
    ("metadata", "words"),
    [
        ('{"config": 3}', "describes itself in a way that is not ours"),
        ('{"notes": []}', "describes itself in a way that is not ours"),
        (
            '{"class_names": {}}',
            r"describes itself in a way that is not ours .*class_names is not a JSON array",
        ),
        ("[]", "describes itself in a way that is not ours"),
        ("{", "cannot be read"),
        ('{"config": {"dim": 8}}', "lacks the field"),
    ],
)
def test_garbled_description_is_told(
    tmp_path: Path, checkpoint: Checkpoint, metadata: str, words: str
) -> None:
    path = tmp_path / "net.safetensors"
    safetensors.torch.save_file(checkpoint.state, path, {"pointwise": metadata})
    with pytest.raises(PointwiseError, match=words):
        load_checkpoint(path)


def test_folder_that_does_not_exist_is_told(tmp_path: Path, checkpoint: Checkpoint) -> None:
    with pytest.raises(PointwiseError, match="there is no folder"):
        save_checkpoint(tmp_path / "no" / "net.safetensors", checkpoint)


def test_folder_in_the_place_of_the_file_is_told(tmp_path: Path, checkpoint: Checkpoint) -> None:
    (tmp_path / "net.safetensors").mkdir()
    with pytest.raises(PointwiseError, match="cannot be written"):
        save_checkpoint(tmp_path / "net.safetensors", checkpoint)
    assert [path.name for path in tmp_path.iterdir()] == ["net.safetensors"]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_interrupted_write_leaves_the_old_file(
    tmp_path: Path, checkpoint: Checkpoint, suffix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / f"net{suffix}"
    path.write_text("old")

    def half(self: Path, data: bytes) -> int:
        with self.open("wb") as file:
            file.write(data[: len(data) // 2])
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "write_bytes", half)
    with pytest.raises(KeyboardInterrupt):
        save_checkpoint(path, checkpoint)
    assert path.read_text() == "old"
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


def test_shipped_checkpoint_describes_itself() -> None:
    raw = MICRO_DIGITS.read_bytes()
    header = json.loads(raw[8 : 8 + struct.unpack("<Q", raw[:8])[0]])
    assert list(header["__metadata__"]) == ["pointwise"]
    assert len(raw) < 1_000_000
    assert load_checkpoint(MICRO_DIGITS).config == NETWORKS["micro"]
