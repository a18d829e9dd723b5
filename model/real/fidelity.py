"""How well integers keep the features of a network that makes features and no classes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from pointwise.model.deit import DeiT
from pointwise.model.evaluate import sqnr_db
from pointwise.model.graph import Graph, run
from pointwise.model.graph.ops import LayerNorm
from pointwise.model.networks import DeiTConfig
from pointwise.model.quantise import patchify

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Fidelity:
    """Features of a quantised network against those of the float one, on the same images.

    Attributes:
        sqnr_db: of the class token's features, of all images together; signal to quantisation noise.
        worst_db: of the image that keeps least.
        cosine: the least cosine between the features of an image.
        tokens_db: signal to quantisation noise of the features of all tokens.
        neighbours: per cent of the images whose nearest neighbour among the others, by cosine, is the same.
    """

    sqnr_db: float
    worst_db: float
    cosine: float
    tokens_db: float
    neighbours: float


def fidelity(exact: np.ndarray, exact_tokens: np.ndarray, got: np.ndarray, tokens: np.ndarray) -> Fidelity:
    """Compare features.

    Args:
        exact, got: (B, channels) of the class token, of the float and the quantised network; B of at least 2.
        exact_tokens, tokens: (B, tokens, channels) of all tokens.
    """
    return Fidelity(
        sqnr_db=sqnr_db(exact, got),
        worst_db=min(sqnr_db(one, other) for one, other in zip(exact, got, strict=True)),
        cosine=float((_unit(exact) * _unit(got)).sum(axis=1).min()),
        tokens_db=sqnr_db(exact_tokens, tokens),
        neighbours=100 * float(np.mean(nearest(exact) == nearest(got))),
    )


def nearest(features: np.ndarray) -> np.ndarray:
    """Return for each row (B, channels) the row that is most like it by cosine and is not itself, (B,)."""
    unit = _unit(features)
    likeness = unit @ unit.T
    np.fill_diagonal(likeness, -np.inf)
    return likeness.argmax(axis=1)


def _unit(features: np.ndarray) -> np.ndarray:
    return features / np.linalg.norm(features, axis=1, keepdims=True)


def float_features(
    state: Mapping[str, Tensor], config: DeiTConfig, images: np.ndarray, progress: Progress | None = None
) -> np.ndarray:
    """Return the features (B, tokens, channels) of all tokens behind the last LayerNorm, float64.

    Args:
        images: (B, colours, S, S), normalised. progress: called with (images done, images in all).
    """
    net = DeiT.from_state(config, state)
    results = []
    with torch.inference_mode():
        for done, image in enumerate(images, 1):
            results.append(net.tokens(torch.as_tensor(image)[None]).double().numpy())
            if progress:
                progress(done, len(images))
    return np.concatenate(results)


def integer_features(
    network: Graph,
    state: Mapping[str, Tensor],
    config: DeiTConfig,
    images: np.ndarray,
    progress: Progress | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Return what the integer model makes of images: (B, classes) and (B, tokens, channels), float64.

    The first are the results of the core, in real units. Of the other tokens the core gives the residual
    stream; the last LayerNorm is applied to them in float64 here.
    """
    last = [op for op in network.ops if isinstance(op, LayerNorm)][-1].inputs[0]
    weight, bias = (state[f"norm.{kind}"].double().numpy() for kind in ("weight", "bias"))
    classes, tokens = [], []
    for done, image in enumerate(images, 1):
        results = run(network, patchify(network, image[None]), {network.output, last})
        classes.append(network.real(network.output, results[network.output][:, 0]))
        x = network.real(last, results[last])
        centred = x - x.mean(axis=-1, keepdims=True)
        deviation = np.sqrt((centred**2).mean(axis=-1, keepdims=True) + config.norm_eps)
        tokens.append(centred / deviation * weight + bias)
        if progress:
            progress(done, len(images))
    return np.concatenate(classes), np.concatenate(tokens)
