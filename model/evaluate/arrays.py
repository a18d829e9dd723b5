"""Float against integer: accuracy, agreement and the noise of the logits."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from pointwise.hw.contract.errors import PointwiseError
from pointwise.model.deit import DeiT
from pointwise.model.frontends import FloatNetwork
from pointwise.model.graph import Graph
from pointwise.model.kernels import prepared
from pointwise.model.networks import DeiTConfig
from pointwise.model.quantise import patchify

TOKENS_AT_ONCE = 1024
"""About how many tokens go through both networks together."""
TOP = 5
"""How many of the largest logits are looked at for top-5; fewer where there are fewer classes."""


@dataclass(frozen=True)
class Evaluation:
    """What comparing a float network with its integer network gives.

    Attributes:
        images: how many were compared.
        top1_float, top1_integer: per cent of them classified as labelled; NaN without labels.
        top5_float, top5_integer: the same for the label among the five largest logits.
        agreement: per cent of them given the same class by both.
        sqnr_db: power of the float logits over that of the difference, in decibels; infinite if there is
            none.
        logits_float, logits_integer: (images, classes) float64, in real units.
    """

    images: int
    top1_float: float
    top1_integer: float
    top5_float: float
    top5_integer: float
    agreement: float
    sqnr_db: float
    logits_float: np.ndarray
    logits_integer: np.ndarray

    def __repr__(self) -> str:
        right = f"top-1 {self.top1_float:.2f} % float, {self.top1_integer:.2f} % integers, "
        known = "" if np.isnan(self.top1_float) else right
        same = f"same class {self.agreement:.2f} %, {self.sqnr_db:.1f} dB"
        return f"Evaluation({self.images:,} images: {known}{same})"

    def figures(self) -> dict[str, Any]:
        """The single numbers, for JSON; what is not known or not finite is None."""
        return finite({key: value for key, value in vars(self).items() if not key.startswith("logits")})


def evaluate(
    network: Graph,
    source: FloatNetwork,
    images: np.ndarray | Tensor,
    labels: np.ndarray | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Evaluation:
    """Classify images with both networks and compare.

    Args:
        network: the integers that were made of ``source``.
        images: (B, colours, S, S) real, normalised as the network takes them, or what else it takes.
        labels: (B,) whole numbers, or None where only the two networks are to be compared.
        progress: called with (images done, images in all).

    Raises:
        PointwiseError: images or labels do not fit the network.
    """
    images = source.check_inputs(images, "evaluation")
    if labels is not None and np.shape(labels) != (len(images),):
        raise PointwiseError(
            f"There are {len(images)} evaluation images, but the labels have the shape {np.shape(labels)}; "
            "give one label for each image."
        )
    at_once = max(1, TOKENS_AT_ONCE // network.input.shape[0])
    floats, integers = [], []
    for start in range(0, len(images), at_once):
        part = images[start : start + at_once]
        floats.append(source.results(part))
        integers.append(integer_logits(network, part.numpy()))
        if progress:
            progress(start + len(part), len(images))
    return compare(np.concatenate(floats), np.concatenate(integers), labels)


def float_logits(state_dict: Mapping[str, Tensor], config: DeiTConfig, images: np.ndarray) -> np.ndarray:
    """Return the logits (B, classes), float64, of normalised images (B, colours, S, S), one at a time."""
    net = DeiT.from_state(config, state_dict)
    with torch.inference_mode():
        return np.concatenate([net(torch.as_tensor(image)[None]).double().numpy() for image in images])


def integer_logits(network: Graph, images: np.ndarray) -> np.ndarray:
    """Return the logits (B, classes), in real units, of normalised images (B, colours, S, S).

    Of a network whose result has several tokens, they come one after the other.
    """
    name = network.output
    results = prepared(network).run(patchify(network, images), {name})[name]
    return network.real(name, results).reshape(len(results), -1)


def compare(logits_float: np.ndarray, logits_integer: np.ndarray, labels: np.ndarray | None) -> Evaluation:
    """Compare logits (B, classes) of the two networks; ``labels`` as in ``evaluate``."""
    best_float, best_integer = best(logits_float), best(logits_integer)

    def hits(chosen: np.ndarray, count: int) -> float:
        if labels is None:
            return math.nan
        return 100 * float(np.mean((chosen[:, :count] == np.asarray(labels)[:, None]).any(axis=1)))

    return Evaluation(
        images=len(logits_float),
        top1_float=hits(best_float, 1),
        top1_integer=hits(best_integer, 1),
        top5_float=hits(best_float, TOP),
        top5_integer=hits(best_integer, TOP),
        agreement=100 * float(np.mean(best_float[:, 0] == best_integer[:, 0])),
        sqnr_db=sqnr_db(logits_float, logits_integer),
        logits_float=logits_float,
        logits_integer=logits_integer,
    )


def best(logits: np.ndarray) -> np.ndarray:
    """Return the classes of the largest logits (B, at most 5), the largest first; of equals the lower one."""
    return np.argsort(-logits, axis=1, kind="stable")[:, :TOP]


def sqnr_db(exact: np.ndarray, approximate: np.ndarray) -> float:
    """Signal to quantisation noise in decibels: 10 · log10(Σ exact² / Σ (exact − approximate)²)."""
    signal = float((np.asarray(exact, np.float64) ** 2).sum())
    noise = float(((np.asarray(exact, np.float64) - approximate) ** 2).sum())
    return decibels(signal, noise)


def finite(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``values`` with None for each number that JSON cannot hold."""
    return {k: None if isinstance(v, float) and not math.isfinite(v) else v for k, v in values.items()}


def decibels(signal: float, noise: float) -> float:
    """The ratio of two powers in decibels: infinite without noise, minus infinite without a signal."""
    if noise == 0:
        return math.inf
    return 10 * math.log10(signal / noise) if signal else -math.inf
