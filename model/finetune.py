"""Fine-tuning of the last layer on images of one's own, with the recipe of the BPU paper (section IV.A).

The backbone is frozen and the images are always prepared in the same way, so that what the backbone makes of
an image never changes: it is computed once, in parallel, and the hundred epochs run on that alone.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.optim.lr_scheduler import CosineAnnealingLR, LinearLR, LRScheduler, SequentialLR

from pointwise.hw.contract.errors import PointwiseError
from pointwise.model.checkpoints import Checkpoint, load_checkpoint
from pointwise.model.deit import INIT_STD
from pointwise.model.features import Features, features_of, job_of
from pointwise.model.images.dataset import ImageSet
from pointwise.model.images.preprocessing import Preprocessing
from pointwise.model.optimisation import check_passes, reproducible
from pointwise.model.parallel import Executor, Local

Progress = Callable[[int, int], None]
MOST_CLASSES = 65_536
"""Three times those of ImageNet-21k: a number beyond is a slip in a list, and its layer fills the memory."""


@dataclass(frozen=True)
class FinetuneRecipe:
    """How to train the last layer; the defaults are the paper's.

    Attributes:
        seed: of the first weights and the order of the images.
        epochs: passes over the images. batch: images of a step; the last one of an epoch may be smaller.
        learning_rate: its peak, which ``warmup_epochs`` lead up to from ``warmup_start`` times it, and from
            which half a cosine leads down to ``minimum`` times it.
        weight_decay, betas: of AdamW. label_smoothing: ε.

    Raises:
        PointwiseError: a value with which there is nothing to train.
    """

    seed: int = 0
    epochs: int = 100
    batch: int = 16
    learning_rate: float = 5e-4 * 16 / 64
    warmup_epochs: int = 3
    warmup_start: float = 0.001
    minimum: float = 0.01
    weight_decay: float = 0.05
    betas: tuple[float, float] = (0.9, 0.999)
    label_smoothing: float = 0.1

    def __post_init__(self) -> None:
        check_passes("Fine-tuning", self.epochs, self.batch)
        if not 0 < self.learning_rate < math.inf:
            raise PointwiseError(
                f"Fine-tuning was asked for with the learning rate {self.learning_rate}, but a number above "
                "0 was expected; the paper's is 1.25e-4."
            )

    def schedule(self, optimizer: torch.optim.Optimizer, steps_per_epoch: int) -> LRScheduler:
        """Lead the learning rate of an optimiser, whose own is the peak, from step to step."""
        warmup, steps = self.warmup_epochs * steps_per_epoch, self.epochs * steps_per_epoch
        rise = LinearLR(optimizer, self.warmup_start, total_iters=max(1, warmup))
        fall = CosineAnnealingLR(optimizer, max(1, steps - warmup), self.minimum * self.learning_rate)
        return SequentialLR(optimizer, [rise, fall], [warmup])


def finetune(
    path: Path,
    images: ImageSet,
    validation: ImageSet | None = None,
    *,
    recipe: FinetuneRecipe | None = None,
    heads: int | None = None,
    preprocessing: Preprocessing | None = None,
    executor: Executor | None = None,
    reading: Progress | None = None,
    training: Progress | None = None,
) -> tuple[Checkpoint, tuple[str, ...]]:
    """Give a network a new last layer, trained on labelled images; all else stays as it is, to the bit.

    A distilled network gets two, each trained to classify alone; their logits are averaged as ever.

    Args:
        path: of the checkpoint, in any layout; a last layer of its own it need not have. heads: as in
            `load_checkpoint`.
        images: to train on. validation: to measure on; nothing is chosen by it.
        preprocessing: the checkpoint's unless given; the new checkpoint keeps it.
        executor: what runs the backbone; this process unless given.
        reading, training: told (images or epochs done, in all).

    Returns:
        The checkpoint, whose notes hold the recipe and the accuracies in per cent, and the names of the
        images that could not be read.

    Raises:
        PointwiseError: the images show nothing or one thing only, a class of an absurd number, or none can be
            read; the validation images show something else.
    """
    recipe = recipe or FinetuneRecipe()
    checkpoint = load_checkpoint(path, heads=heads, backbone=True)
    preprocessing = preprocessing or checkpoint.prepared
    categories = images.categories
    classes = 1 + max(map(int, categories)) if images.numbered else len(categories)
    if classes < 2:
        raise PointwiseError(
            f"The images of {images.root} show {classes or 'no'} class{'' if classes == 1 else 'es'}, but at "
            "least two are needed; give a folder for each class, or a list with the class of each image."
        )
    if classes > MOST_CLASSES:
        raise PointwiseError(
            f"{images.root} gives the class {classes - 1}, but classes are numbered from 0 to at most "
            f"{MOST_CLASSES - 1}; number those of the list without gaps."
        )
    names = None if images.numbered else categories
    sets = {"train": images} | ({} if validation is None else {"validation": validation})
    labels: dict[str, np.ndarray] = {}
    for name, shown in sets.items():
        found = shown.labels(classes, names)
        if found is None:
            raise PointwiseError(f"Nobody says what the images of {shown.root} show; give their classes.")
        labels[name] = found
    job = job_of(path, heads, preprocessing)
    features = {
        name: features_of(job, shown, labels[name], executor or Local(1), reading)
        for name, shown in sets.items()
    }
    with reproducible(recipe.seed, 1):
        weight, bias = train_heads(features["train"], classes, recipe, training)
    state = dict(checkpoint.state)
    for index, head in enumerate(("head", "head_dist")[: checkpoint.config.prefix_tokens]):
        state |= {f"{head}.weight": weight[index].clone(), f"{head}.bias": bias[index].clone()}
    notes = {"recipe": asdict(recipe), "images": str(images.root)} | {
        f"{name}_accuracy": accuracy(part, weight, bias) for name, part in features.items()
    }
    config = dataclasses.replace(checkpoint.config, classes=classes)
    unreadable = tuple(name for part in features.values() for name in part.unreadable)
    return Checkpoint(config, state, notes, preprocessing, names), unreadable


def train_heads(
    features: Features, classes: int, recipe: FinetuneRecipe, progress: Progress | None = None
) -> tuple[Tensor, Tensor]:
    """Train a linear classifier on each head's features, drawing from torch's global generator.

    Returns:
        weight: (heads, classes, dim), bias: (heads, classes).
    """
    count, heads, dim = features.values.shape
    weight = nn.Parameter(nn.init.trunc_normal_(torch.empty(heads, classes, dim), std=INIT_STD))
    bias = nn.Parameter(torch.zeros(heads, classes))
    optimizer = torch.optim.AdamW(
        [weight, bias], lr=recipe.learning_rate, betas=recipe.betas, weight_decay=recipe.weight_decay
    )
    schedule = recipe.schedule(optimizer, math.ceil(count / recipe.batch))
    for epoch in range(recipe.epochs):
        for chosen in torch.randperm(count).split(recipe.batch):
            logits = _logits(features.values[chosen], weight, bias).flatten(0, 1)
            labels = features.labels[chosen].repeat_interleave(heads)
            loss = functional.cross_entropy(logits, labels, label_smoothing=recipe.label_smoothing)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
        if progress:
            progress(epoch + 1, recipe.epochs)
    return weight.detach(), bias.detach()


def accuracy(features: Features, weight: Tensor, bias: Tensor) -> float:
    """Return the share of images whose largest logit, the mean of the heads', is their label's, in %."""
    guesses = _logits(features.values, weight, bias).mean(1).argmax(1)
    return 100 * int((guesses == features.labels).sum()) / len(guesses)


def _logits(values: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """(images, heads, dim) to (images, heads, classes), each head by its own layer."""
    return torch.einsum("ihd,hcd->ihc", values, weight) + bias
