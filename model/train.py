"""Training of the micro-DeiT on the digits: seeded, repeatable, a few minutes on one core.

Every choice below was made by cross-validation inside the training images. The held-out images are
seen once, at the end, to measure; the weights that are kept are those of the last step, so no image
chooses them either.
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from rich.console import Console

from pointwise.hw.contract.errors import PointwiseError
from pointwise.model import digits
from pointwise.model.checkpoints import Checkpoint, check_destination, save_checkpoint
from pointwise.model.deit import DeiT
from pointwise.model.networks import DeiTConfig, network

from .fitting import TrainingRecipe, accuracy, fit
from .optimisation import reproducible


def train_digits(
    path: str | Path | None = None,
    *,
    recipe: TrainingRecipe | None = None,
    config: DeiTConfig | None = None,
    threads: int = 1,
    console: Console | None = None,
) -> Checkpoint:
    """Train a DeiT on the digits, and write it to ``path`` if there is one.

    The same recipe gives the same bits on the same machine with the same number of threads; another
    processor may round sums in another order. The caller's random state is left as it was.

    Args:
        path: where the checkpoint goes, see `save_checkpoint`; written once, at the end.
        recipe: how to train; the default is that of the checkpoint which ships.
        config: a network for one channel of 8×8 pixels and ten classes; by default `micro`.
        threads: processor threads that torch may use.
        console: where the progress bar goes; without one, training is silent.

    Returns:
        The checkpoint, whose notes hold the recipe and the accuracies in per cent.

    Raises:
        PointwiseError: the network does not fit the digits, the recipe leaves no step to do, or the
            file cannot be written; a wrong ending or a missing folder is told before training.
    """
    recipe, config = recipe or TrainingRecipe(), config or network("micro")
    check_for_digits(config)
    if path is not None:
        check_destination(path)
    data = digits.load()
    with reproducible(recipe.seed, threads):
        net = DeiT(config, init_std=recipe.init_std)
        fit(net, data.train, recipe, console)
        notes = {
            "data": "digits of scikit-learn, 80 % for training",
            "recipe": asdict(recipe),
            "train_accuracy": accuracy(net, data.train),
            "held_out_accuracy": accuracy(net, data.held_out),
        }
    checkpoint = Checkpoint(config, net.state_dict(), notes)
    if path is not None:
        save_checkpoint(path, checkpoint)
    return checkpoint


def check_for_digits(config: DeiTConfig) -> None:
    """Raise PointwiseError unless a network takes the digits and tells all ten apart."""
    if (config.image_size, config.in_channels, config.classes) != (8, 1, 10):
        raise PointwiseError(
            f"The digits have 1 channel of 8×8 pixels and 10 classes, but the network takes "
            f"{config.in_channels} of {config.image_size}x{config.image_size} and gives {config.classes}; "
            "choose a network for the digits, such as micro."
        )
