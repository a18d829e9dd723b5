"""Training of a network on arrays of images: a recipe, and the loop that follows it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from torch import Tensor
from torch.nn import functional
from torch.optim.lr_scheduler import LambdaLR

from pointwise.hw.contract.errors import PointwiseError

from .optimisation import check_passes, parameter_groups, running_average, share_of_peak


class LabelledImages(Protocol):
    """Images to train on: int64 labels [count], and what the network takes in, float32 [count, 1, S, S]."""

    @property
    def labels(self) -> NDArray[np.int64]: ...

    def __len__(self) -> int: ...

    def normalised(self) -> NDArray[np.float32]: ...


@dataclass(frozen=True)
class TrainingRecipe:
    """How to train; the defaults grew the checkpoint that ships.

    Attributes:
        seed: of the first weights, the order of the images and the augmentations.
        epochs: passes over the training images.
        batch: images of a step; a last, smaller batch is left out.
        learning_rate: its peak, reached after `warmup_epochs` and followed by half a cosine to zero.
        weight_decay: of the matrices; biases, LayerNorm and the tokens are left alone, as in DeiT.
        label_smoothing: as in DeiT. It also keeps the logits, and so the range to quantise, small.
        init_std: standard deviation of the first weights. DeiT's 0.02 is meant for hundreds of channels;
            with 48 it starts so flat that 60 epochs reach 85 % where 0.1 reaches 98 %.
        average: decay of the exponential moving average of the weights, which is what is kept.
        degrees, scale, shift, shear: the largest random rotation, change of size (as a share),
            translation (in pixels) and slant (as a share) of an image.
        noise: standard deviation of the noise added to the pixels, of 1 from black to grey.

    Raises:
        PointwiseError: a value with which there is nothing to train.
    """

    seed: int = 0
    epochs: int = 200
    batch: int = 64
    learning_rate: float = 2e-3
    warmup_epochs: int = 5
    weight_decay: float = 0.05
    label_smoothing: float = 0.1
    init_std: float = 0.1
    average: float = 0.998
    degrees: float = 12.0
    scale: float = 0.12
    shift: float = 0.8
    shear: float = 0.15
    noise: float = 0.05

    def __post_init__(self) -> None:
        check_passes("Training", self.epochs, self.batch)


def fit(
    net: torch.nn.Module, images: LabelledImages, recipe: TrainingRecipe, console: Console | None = None
) -> None:
    """Train ``net`` in place on ``images``, drawing from torch's global generator.

    Args:
        net: images to logits; every tensor of its state, buffers too, is a real one and is averaged.
    """
    pixels, labels = torch.from_numpy(images.normalised()), torch.from_numpy(images.labels)
    steps_per_epoch = len(images) // recipe.batch
    if not steps_per_epoch:
        raise PointwiseError(
            f"A batch of {recipe.batch} is more than the {len(images)} training images; choose a smaller one."
        )
    optimizer = torch.optim.AdamW(parameter_groups(net, recipe.weight_decay), lr=recipe.learning_rate)
    steps, warmup = recipe.epochs * steps_per_epoch, recipe.warmup_epochs * steps_per_epoch
    schedule = LambdaLR(optimizer, lambda step: share_of_peak(step, steps, warmup))
    averaged = running_average(net, recipe.average)
    net.train()
    with _progress(console) as progress:
        bar = progress.add_task("training", total=recipe.epochs, loss=math.nan)
        for _ in range(recipe.epochs):
            order = torch.randperm(len(images))[: steps_per_epoch * recipe.batch]
            for chosen in order.split(recipe.batch):
                logits = net(augment(pixels[chosen], recipe))
                loss = functional.cross_entropy(
                    logits, labels[chosen], label_smoothing=recipe.label_smoothing
                )
                optimizer.zero_grad()
                loss.backward()
                torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
                optimizer.step()
                schedule.step()
                averaged.update_parameters(net)
            progress.update(bar, advance=1, loss=loss.item())
    net.load_state_dict(averaged.module.state_dict())
    net.eval()


def accuracy(net: torch.nn.Module, images: LabelledImages) -> float:
    """Return the share of ``images`` whose largest logit is that of their label, in per cent."""
    with torch.no_grad():
        guesses = net(torch.from_numpy(images.normalised())).argmax(1)
    return 100 * int((guesses == torch.from_numpy(images.labels)).sum()) / len(images)


def augment(images: Tensor, recipe: TrainingRecipe) -> Tensor:
    """Return ``images`` [B, 1, S, S] each turned, scaled, slanted, moved and disturbed at random.

    Beyond the border is black (-1). Draws from torch's global generator. All images at once, each in its own
    way: torchvision, which nothing else needs, would turn a batch alike, or one image after the other.
    """
    batch, size = images.shape[0], images.shape[-1]

    def uniform(limit: float) -> Tensor:
        return (2 * torch.rand(batch) - 1) * limit

    angle, zoom = uniform(math.radians(recipe.degrees)), 1 + uniform(recipe.scale)
    shear, shift_x, shift_y = uniform(recipe.shear), uniform(recipe.shift), uniform(recipe.shift)
    cos, sin = torch.cos(angle) * zoom, torch.sin(angle) * zoom
    # A shift is in pixels, while the sampling grid spans -1 to 1 over the image.
    rows = (cos, shear * cos - sin, shift_x * 2 / size, sin, shear * sin + cos, shift_y * 2 / size)
    grid = functional.affine_grid(torch.stack(rows, 1).view(batch, 2, 3), list(images.shape), False)
    moved = functional.grid_sample(images + 1, grid, align_corners=False) - 1
    return moved + recipe.noise * torch.randn(moved.shape)


def _progress(console: Console | None) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("epochs, loss {task.fields[loss]:.3f}"),
        TimeRemainingColumn(),
        console=console,
        disable=console is None,
    )
