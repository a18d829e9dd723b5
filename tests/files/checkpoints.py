"""Checkpoints as one file: ours, and pickles."""

import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import torch
from PIL import Image

from pointwise.model.checkpoints import Checkpoint, load_checkpoint, save_checkpoint
from pointwise.model.deit import DeiT
from pointwise.model.images.prepare import prepare
from pointwise.model.images.preprocessing import plain
from pointwise.model.synthetic import synthetic_checkpoint

from . import mutate
from .kind import CONFIG


def checkpoint() -> Checkpoint:
    made = synthetic_checkpoint(CONFIG)
    notes = {"seed": 1, "accuracy": 99.5}
    return Checkpoint(CONFIG, made.state, notes, plain(4, 1), ("a", "b", "c"))


def make_ours(folder: Path) -> None:
    save_checkpoint(folder / "c.safetensors", checkpoint())


def make_pickle(folder: Path) -> None:
    save_checkpoint(folder / "c.pth", checkpoint())


def reads_checkpoint(name: str, heads: int | None = None) -> Callable[[Path, Path], None]:
    def read(folder: Path, out: Path) -> None:
        checkpoint = load_checkpoint(folder / name, heads=heads)
        DeiT.from_state(checkpoint.config, checkpoint.state)
        save_checkpoint(out / "again.safetensors", checkpoint)
        Image.new("L", (6, 5)).save(out / "image.png")
        prepare(out / "image.png", checkpoint.prepared)

    return read


def in_pickle(random: Random, folder: Path) -> None:
    """Objects in a pickle that are no weights, or weights that are not what they seem."""
    path = folder / "c.pth"
    content = torch.load(path, weights_only=True)
    state = content["model"] if random.random() < 0.9 else content
    key = random.choice(list(state))
    odd = _odd_tensors(random, state[key])
    state[key] = odd
    if random.random() < 0.2:
        state[random.choice((*mutate.NAMES, 3, (1, 2), None))] = state.pop(key)
    torch.save(content, path)


def _odd_tensors(random: Random, tensor: Any) -> Any:
    """A tensor that takes less room in the file than in memory, or that is of an odd kind."""
    shape = tuple(tensor.shape) if isinstance(tensor, torch.Tensor) else (2,)
    return random.choice(
        (
            lambda: torch.zeros(1).expand(2 ** random.choice((20, 36))),
            lambda: torch.zeros(1, dtype=torch.float16).expand(2**16, 2**16),
            lambda: torch.zeros(1).expand(shape),
            lambda: torch.zeros(shape, device="meta"),
            lambda: torch.zeros(shape).to_sparse(),
            lambda: torch.zeros(2, 2).to_sparse_csr(),
            lambda: torch.zeros(shape, dtype=torch.complex64),
            lambda: torch.zeros(shape, dtype=torch.bfloat16),
            lambda: torch.zeros(shape, dtype=torch.int64),
            lambda: torch.zeros(shape, dtype=torch.float8_e4m3fn),
            lambda: torch.full(shape, float("nan")),
            lambda: torch.zeros((2**20, 0)),
            lambda: torch.zeros(()),
            lambda: torch.zeros((1,) * 30),
            lambda: torch.nn.Parameter(torch.zeros(shape)),
            lambda: mutate.values(random),
        )
    )()


def in_archive(random: Random, folder: Path) -> None:
    """The zip file that a pickle lies in: its entries damaged, packed or named otherwise."""
    path = folder / "c.pth"
    with zipfile.ZipFile(path) as archive:
        entries = {entry: archive.read(entry) for entry in archive.namelist()}
    name = random.choice([entry for entry in entries if entry.endswith("data.pkl")] * 3 + list(entries))
    kind = random.randrange(4)
    if kind == 0:
        entries[name] = mutate.raw(random, entries[name])
    elif kind == 1:
        entries[name] = bytes(random.choice((0, 10, 1 << 26)))
    elif kind == 2:
        entries[random.choice(("../../x", "/tmp/x", "archive/../../x"))] = entries.pop(name)
    else:
        del entries[name]
    packed = random.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", packed) as archive:
        for entry, data in entries.items():
            archive.writestr(entry, data)
    path.write_bytes(buffer.getvalue())
