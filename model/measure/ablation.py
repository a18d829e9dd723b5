"""What each method of quantisation buys: from everything turned off to the default, method by method."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from model.deit import DeiT
from model.evaluate import compare, integer_logits
from model.networks import DeiTConfig
from model.quantise.deit import build
from model.quantise.observe import observe
from model.quantise.recipe import PLAIN, LayerRecipe, Recipe
from model.quantise.records import Observations

STEPS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("min–max, one scale a tensor", {}),
    ("weights: a scale for each output channel", {"weight_granularity": "channel"}),
    ("queries, keys, values, context: a scale for each channel or head", {"granularity": "channel"}),
    ("LayerNorm: powers of two by the range", {"factors": "range"}),
    ("LayerNorm: powers of two by the output's error", {"factors": "error"}),
    ("equalising channels against their weights", {"equalise": True}),
    ("scores and GELU: scales by the error of the result", {"search": True}),
    ("bias correction", {"bias_correction": "mean"}),
    ("rounding by second moments (GPTQ)", {"rounding": "gptq"}),
)
"""Methods and the fields of ``LayerRecipe`` that they change, each on top of those before it."""
BESIDE: tuple[tuple[str, dict[str, Any]], ...] = (
    ("AdaRound in place of GPTQ", {"rounding": "adaround"}),
    ("ranges by moving average", {"range": "moving_average"}),
    ("ranges by percentile", {"range": "percentile"}),
    ("ranges by KL divergence", {"range": "kl"}),
    ("ranges by mean squared error", {"range": "mse"}),
    ("weights clipped by mean squared error", {"weight_range": "mse"}),
)
"""Alternatives to the default, each alone."""


@dataclass(frozen=True)
class Attempt:
    """One recipe and what it is worth.

    Attributes:
        method: what is new in it. recipe: the fields of its default.
        sqnr_db: of the logits of all images together. image_sqnr_db: mean of that of each image.
        agreement: per cent of the images given the same class.
    """

    method: str
    recipe: dict[str, Any]
    sqnr_db: float
    image_sqnr_db: float
    agreement: float


def recipes(beside: bool = False) -> list[tuple[str, LayerRecipe]]:
    """The chain of ``STEPS`` from ``PLAIN``, and with ``beside`` the alternatives to its end."""
    chain: list[tuple[str, LayerRecipe]] = []
    recipe = PLAIN
    for method, changes in STEPS:
        recipe = replace(recipe, **changes)
        chain.append((method, recipe))
    if beside:
        chain += [(method, replace(recipe, **changes)) for method, changes in BESIDE]
    return chain


def ablation(
    state: Mapping[str, Tensor],
    config: DeiTConfig,
    calibration: np.ndarray,
    images: np.ndarray,
    wanted: list[tuple[str, LayerRecipe]],
    progress: Callable[[int, int], None] | None = None,
) -> Iterator[Attempt]:
    """Quantise a network by one recipe after the other, and compare each with the float network.

    Args:
        state, config: the float network. calibration, images: (B, colours, S, S) normalised.
        wanted: names and recipes, as ``recipes`` gives them.
        progress: called with (images run, images in all recipes).

    Raises:
        PointwiseError: as ``quantise``.
    """
    net = DeiT.from_state(config, state)
    exact = np.concatenate([_float(net, image) for image in images])
    power = (exact**2).sum(axis=1)
    seen: dict[tuple, Observations] = {}
    for index, (method, how) in enumerate(wanted):
        recipe = Recipe(how)
        # Recipes that only build differently share what calibration saw.
        key = how.range, how.granularity, how.rounding != "nearest"
        if key not in seen:
            seen = {key: observe(net, calibration, recipe)}
        network = build("ablation", config, state, seen[key], recipe)
        logits = []
        for count, image in enumerate(images, 1):
            logits.append(integer_logits(network, image[None]))
            if progress:
                progress(index * len(images) + count, len(wanted) * len(images))
        integers = np.concatenate(logits)
        noise = ((exact - integers) ** 2).sum(axis=1)
        result = compare(exact, integers, None)
        each = float(np.mean(10 * np.log10(power / np.maximum(noise, 1e-30))))
        yield Attempt(method, asdict(how), result.sqnr_db, each, result.agreement)


def _float(net: DeiT, image: np.ndarray) -> np.ndarray:
    """Logits (1, classes) of one image."""
    with torch.inference_mode():
        return net(torch.as_tensor(image)[None]).double().numpy()
