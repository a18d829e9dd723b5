"""What each method of quantisation buys: from everything turned off to the default, method by method."""

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import torch

from pointwise.model.evaluate import compare, integer_logits
from pointwise.model.frontends import FloatNetwork
from pointwise.model.graph import Graph
from pointwise.model.parallel import one_thread
from pointwise.model.quantise.recipe import PLAIN, LayerConfig, Recipe
from pointwise.model.quantise.statistics import Statistics

STEPS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("min–max, one scale a tensor", {}),
    ("weights: a scale for each output channel", {"weight_granularity": "channel"}),
    ("scales for each channel or head, tables for groups of hidden channels", {"granularity": "channel"}),
    ("LayerNorm: powers of two by the range", {"factors": "range"}),
    ("LayerNorm: powers of two by the output's error", {"factors": "error"}),
    ("equalising channels against their weights", {"equalise": True}),
    ("scores, exponentials and GELU: scales and tables by the error of the result", {"search": True}),
    ("bias correction", {"bias_correction": "mean"}),
    ("rounding by second moments (GPTQ)", {"rounding": "gptq"}),
)
"""Methods and the fields of ``LayerConfig`` that they change, each on top of those before it."""
BESIDE: tuple[tuple[str, dict[str, Any]], ...] = (
    ("AdaRound in place of GPTQ", {"rounding": "adaround"}),
    ("ranges by moving average", {"range": "moving_average"}),
    ("ranges by percentile", {"range": "percentile"}),
    ("ranges by KL divergence", {"range": "kl"}),
    ("ranges by mean squared error", {"range": "mse"}),
    ("weights clipped by mean squared error", {"weight_range": "mse"}),
)
"""Alternatives to the default, each alone."""


OF_TOKENS = {"factors", "equalise", "search"}
"""Fields that a network without LayerNorm, attention and GELU does not look at."""


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


def recipes(beside: bool = False, *, convolutional: bool = False) -> list[tuple[str, LayerConfig]]:
    """The chain of ``STEPS`` from ``PLAIN``, and with ``beside`` the alternatives to its end.

    Args:
        convolutional: leave out what such a network does not look at.
    """
    chain: list[tuple[str, LayerConfig]] = []
    recipe = PLAIN
    for method, changes in STEPS:
        recipe = replace(recipe, **changes)
        if not (convolutional and OF_TOKENS & set(changes)):
            chain.append((method, recipe))
    if beside:
        chain += [(method, replace(recipe, **changes)) for method, changes in BESIDE]
    return chain


class Ablation:
    """Quantises a network by a recipe and compares it with the float network.

    Args:
        source: the float network. calibration, images: as it takes them, such as (B, colours, S, S)
            normalised.
    """

    def __init__(self, source: FloatNetwork, calibration: np.ndarray, images: np.ndarray) -> None:
        self.source, self.calibration, self.images = source, calibration, images
        self.statistics: dict[tuple, Statistics] = {}
        with one_thread():
            self.exact = np.concatenate([source.results(torch.as_tensor(image)[None]) for image in images])

    def __call__(
        self, part: tuple[str, LayerConfig], progress: Callable[[int], None] | None = None
    ) -> Attempt:
        """What a recipe, given with the method that is new in it, is worth.

        The figures are the same however many parts are done at a time: torch uses one thread.

        Args:
            progress: called with the number of images run.

        Raises:
            PointwiseError: as ``FloatNetwork.quantise``.
        """
        method, config = part
        with one_thread():
            network = self._network(config)
            logits = []
            for count, image in enumerate(self.images, 1):
                logits.append(integer_logits(network, image[None]))
                if progress:
                    progress(count)
        integers = np.concatenate(logits)
        power, noise = (self.exact**2).sum(axis=1), ((self.exact - integers) ** 2).sum(axis=1)
        result = compare(self.exact, integers, None)
        each = float(np.mean(10 * np.log10(power / np.maximum(noise, 1e-30))))
        return Attempt(method, asdict(config), result.sqnr_db, each, result.agreement)

    def _network(self, config: LayerConfig) -> Graph:
        recipe = Recipe(config)
        # Recipes that only build differently share what calibration saw.
        key = config.range, config.granularity, config.rounding != "nearest"
        if key not in self.statistics:
            self.statistics = {key: self.source.calibrate(self.calibration, recipe)}
        return self.source.convert(self.statistics[key], recipe)


def ablation(
    source: FloatNetwork,
    calibration: np.ndarray,
    images: np.ndarray,
    wanted: list[tuple[str, LayerConfig]],
    progress: Callable[[int, int], None] | None = None,
) -> Iterator[Attempt]:
    """One recipe after the other; see ``Ablation``.

    Args:
        wanted: names and recipes, as ``recipes`` gives them.
        progress: called with (images run, images in all recipes).
    """
    work, each = Ablation(source, calibration, images), len(images)
    for index, part in enumerate(wanted):

        def told(count: int, before: int = index * each) -> None:
            if progress:
                progress(before + count, len(wanted) * each)

        yield work(part, told)
