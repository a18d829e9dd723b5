"""What trainings share: a check, groups of parameters, schedule, average of the weights, and seeds."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor
from torch.optim.swa_utils import AveragedModel

from pointwise.hw.contract.errors import PointwiseError


def check_passes(what: str, epochs: int, batch: int) -> None:
    """Raise PointwiseError where ``what``, a kind of training, has no epochs, or batches of no images."""
    if epochs < 1 or batch < 1:
        raise PointwiseError(
            f"{what} was asked for {epochs} epochs in batches of {batch}, but at least one of each is needed."
        )


def running_average(net: torch.nn.Module, most: float) -> AveragedModel:
    """The exponential moving average of a network's weights and buffers, whose decay rises to ``most``."""

    def average(old: Tensor, new: Tensor, count: Tensor | int) -> Tensor:
        # Young averages forget faster, so that they do not remember the first weights.
        return old.lerp(new, 1 - min(most, int(count) / (int(count) + 10)))

    averaged = AveragedModel(net, avg_fn=average, use_buffers=True)
    averaged.n_averaged += 1  # the first weights count, whose place those of the first step would take
    return averaged


def share_of_peak(step: int, steps: int, warmup: int) -> float:
    """Return the learning rate of ``step`` as a share of its peak: a linear rise, then half a cosine.

    Torch's own two of this form, one after the other by `SequentialLR`, compute each rate from the one before
    and so round otherwise, which would make other weights of the recipe than those that ship.
    """
    if step < warmup:
        return (step + 1) / warmup
    return 0.5 * (1 + math.cos(math.pi * (step - warmup) / max(1, steps - warmup)))


def parameter_groups(net: torch.nn.Module, weight_decay: float) -> list[dict[str, object]]:
    """Return AdamW's groups: matrices with decay, vectors and learnt tokens without.

    A network says what else it wants none of by timm's method of that name: ``no_weight_decay``, names.
    """
    told: Callable[[], set[str]] | None = getattr(net, "no_weight_decay", None)
    spared = set() if told is None else told()
    matrices, rest = [], []
    for name, parameter in net.named_parameters():
        decays = parameter.ndim > 1 and not name.endswith(("_token", "pos_embed")) and name not in spared
        (matrices if decays else rest).append(parameter)
    return [
        {"params": matrices, "weight_decay": weight_decay},
        {"params": rest, "weight_decay": 0.0},
    ]


@contextmanager
def reproducible(seed: int, threads: int) -> Iterator[None]:
    """Seed torch and fix its threads, and put both back at the end."""
    threads_before = torch.get_num_threads()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        torch.set_num_threads(threads)
        try:
            yield
        finally:
            torch.set_num_threads(threads_before)
