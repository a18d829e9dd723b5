"""Training on images in files: cut at random, resumed after an interruption, the best epoch kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.optim.lr_scheduler import LambdaLR

from pointwise.hw.contract.errors import PointwiseError
from pointwise.model.images.augment import Augmentation
from pointwise.model.images.stream import Stream
from pointwise.model.optimisation import check_passes, parameter_groups, running_average, share_of_peak
from pointwise.model.parallel import goes_on

from .resumption import TrainingState, load_state, save_state


@dataclass(frozen=True)
class StreamRecipe:
    """How to train on images in files.

    Attributes:
        seed: of the order of the images and of their cuts.
        epochs: passes over the images. batch: images of a step.
        learning_rate, warmup_epochs, weight_decay, label_smoothing, average: as in `TrainingRecipe`.
        chance: how images are cut and mirrored.

    Raises:
        PointwiseError: a value with which there is nothing to train.
    """

    seed: int = 0
    epochs: int = 10
    batch: int = 32
    learning_rate: float = 1e-4
    warmup_epochs: int = 1
    weight_decay: float = 0.05
    label_smoothing: float = 0.1
    average: float = 0.998
    chance: Augmentation = field(default_factory=Augmentation)

    def __post_init__(self) -> None:
        check_passes("Training", self.epochs, self.batch)


def fit_stream(
    net: nn.Module,
    train: Stream,
    held_out: Stream,
    recipe: StreamRecipe,
    path: Path,
    digest: str,
    *,
    step: Callable[[int, int], None] = lambda done, total: None,
    epoch: Callable[[int, float, float], None] = lambda number, loss, accuracy: None,
) -> float:
    """Train ``net`` in place; what it becomes is the average of its weights in the best epoch.

    Where there is a GPU it is trained there, in bfloat16 but for the quantisers, the loss and the weights.
    Everything is kept in a file after each epoch; the same arguments go on from it, and end on the same
    processor with the same bits as if nothing had been.

    Args:
        net: images to logits; every tensor of its state is a real one and is averaged.
        train, held_out: to learn from, and to choose the epoch by.
        path: of the file. digest: of all that the training depends on.
        step: called with (images done, images in all). epoch: with its number from 1 on, the last loss, and
            the share of the held-out images that are right, in per cent.

    Returns:
        That share in the best epoch.

    Raises:
        PointwiseError: the file is of another training; no image can be read.
    """
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    net.to(device)
    count = len(train.data.images)
    steps_per_epoch = -(-count // recipe.batch)
    steps, warmup = recipe.epochs * steps_per_epoch, recipe.warmup_epochs * steps_per_epoch
    optimizer = torch.optim.AdamW(parameter_groups(net, recipe.weight_decay), lr=recipe.learning_rate)
    schedule = LambdaLR(optimizer, lambda step: share_of_peak(step, steps, warmup))
    averaged = running_average(net, recipe.average)
    done, best, best_accuracy = 0, _copied(net.state_dict()), -1.0
    state = load_state(path, digest, device)
    if state is not None:
        done, best, best_accuracy = state.epoch, state.best, state.best_accuracy
        net.load_state_dict(state.net)
        averaged.load_state_dict(state.averaged)
        optimizer.load_state_dict(state.optimizer)
        schedule.load_state_dict(state.schedule)
    with goes_on(lambda: done, recipe.epochs, "epochs", path):
        while done < recipe.epochs:
            net.train()
            loss, seen = None, 0
            for pixels, labels in train(done, recipe.seed, recipe.chance):
                loss = _learn(net, optimizer, pixels.to(device, non_blocking=True), labels.to(device), recipe)
                schedule.step()
                averaged.update_parameters(net)
                seen += len(labels)
                step(done * count + seen, recipe.epochs * count)
            if loss is None:
                raise PointwiseError(
                    f"None of the {count} images of {train.data.images.root} can be read; give images that "
                    "can."
                )
            accuracy = _accuracy(net, averaged.module.state_dict(), held_out, device)
            if accuracy > best_accuracy:
                best, best_accuracy = _copied(averaged.module.state_dict()), accuracy
            done += 1
            kept = TrainingState(
                done,
                net.state_dict(),
                averaged.state_dict(),
                optimizer.state_dict(),
                schedule.state_dict(),
                best,
                best_accuracy,
            )
            save_state(path, digest, kept)
            epoch(done, float(loss.detach()), accuracy)
    net.load_state_dict(best)
    net.to("cpu").eval()
    return best_accuracy


def _learn(
    net: nn.Module, optimizer: torch.optim.Optimizer, pixels: Tensor, labels: Tensor, recipe: StreamRecipe
) -> Tensor:
    """A step; returns the loss."""
    with torch.autocast(pixels.device.type, torch.bfloat16, enabled=pixels.is_cuda):
        logits = net(pixels)
    loss = functional.cross_entropy(logits.float(), labels, label_smoothing=recipe.label_smoothing)
    optimizer.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(net.parameters(), 1.0)
    optimizer.step()
    return loss


@torch.no_grad()
def _accuracy(net: nn.Module, averaged: dict[str, Tensor], held_out: Stream, device: torch.device) -> float:
    """The share of the held-out images that the averaged weights get right, in per cent."""
    before = _copied(net.state_dict())
    net.load_state_dict(averaged)
    net.eval()
    right = seen = 0
    for pixels, labels in held_out():
        right += int((net(pixels.to(device)).argmax(1).cpu() == labels).sum())
        seen += len(labels)
    net.load_state_dict(before)
    if not seen:
        raise PointwiseError(f"No held-out image of {held_out.data.images.root} can be read; give others.")
    return 100 * right / seen


def _copied(state: dict[str, Tensor]) -> dict[str, Tensor]:
    return {key: value.detach().clone() for key, value in state.items()}
