"""What a kind of file is, and damage that several kinds share."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random

from pointwise.hw.contract.config import PRESETS
from pointwise.model.networks import DeiTConfig

from . import mutate

CONFIG = DeiTConfig(
    image_size=4, patch=2, in_channels=1, dim=8, depth=1, heads=2, mlp_ratio=2, classes=3, distilled=True
)
CORE = PRESETS["tiny"]
Damage = Callable[[Random, Path], None]


@dataclass(frozen=True)
class Kind:
    """A kind of file.

    Attributes:
        make: writes sound files into a folder. damage: changes something in the folder.
        read: reads the folder; the second argument is where it may write.
        room: bytes of memory that reading may take beside a multiple of the files.
    """

    make: Callable[[Path], None]
    damage: Damage
    read: Callable[[Path, Path], None]
    room: int = 64 << 20


def in_json(name: str) -> Damage:
    """Damage of a JSON file: of its values mostly, else of its bytes."""

    def damage(random: Random, folder: Path) -> None:
        path = folder / name
        if random.random() < 0.8:
            values = mutate.structure(random, json.loads(path.read_bytes()))
            path.write_text(json.dumps(values))
        else:
            path.write_bytes(mutate.raw(random, path.read_bytes()))

    return damage


def in_bytes(name: str) -> Damage:
    """Damage of a file's bytes."""

    def damage(random: Random, folder: Path) -> None:
        (folder / name).write_bytes(mutate.raw(random, (folder / name).read_bytes()))

    return damage


def one_of(*damages: Damage) -> Damage:
    """One damage of several, as likely as often it is named."""
    return lambda random, folder: random.choice(damages)(random, folder)
