"""Table 1 of Scaled Quantization, made again: mean squared errors of its operators and of ours on the same
inputs.

The paper measures on 100 images of ImageNet with random weights. Neither comes with the project: images are
made up, weights and biases are drawn as PyTorch initialises them, and softmax and GELU read what such a
linear layer gives. The paper's numbers are therefore a neighbour to look at, and the two measured columns are
to be compared.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch.nn import functional

from pointwise.hw.contract.errors import PointwiseError
from pointwise.model.integer.rounding import INT16
from pointwise.model.networks import network
from pointwise.model.synthetic import synthetic_images

from . import ours, scaled_operators
from .scaled import Scaled

COLOURS = 3
NORM_WIDTH = 64
"""Channels of the LayerNorm, which the paper does not tell."""
SOFTMAX_WIDTH = 10
"""Elements of a softmax: the paper's example in section 5.3."""
STRIDE = 4
"""Every 4th pixel of every 4th row is a token: 3136 of an image of 224×224."""


@dataclass(frozen=True)
class Row:
    """One operator.

    Attributes:
        name: as in the paper. published: its mean squared error there, or None.
        scaled, ours: mean squared error against float64, measured here.
    """

    name: str
    published: float | None
    scaled: float
    ours: float


def table(images: int = 1, seed: int = 0, spread: float = 1.0) -> list[Row]:
    """Measure every row of Table 1, and GELU by (16.2) with the sign of its series (15) besides.

    Args:
        images: made-up images, each with weights of its own; errors are their mean.
        seed: of images and weights. spread: factor on the inputs of softmax and GELU.

    Raises:
        PointwiseError: no images, or a spread that is not positive and finite.
    """
    if images < 1:
        raise PointwiseError(f"{images} images were asked for; give at least 1.")
    if not 0 < spread < math.inf:
        raise PointwiseError(f"A spread of {spread} was asked for; give a positive number.")
    tokens = synthetic_images(network("deit_tiny"), images, seed).numpy().astype(np.float64)
    tokens = tokens[..., ::STRIDE, ::STRIDE].reshape(images, COLOURS, -1).transpose(0, 2, 1)
    rng = np.random.default_rng(seed)
    measured = [_measure(pixels, rng, spread) for pixels in tokens]
    return [
        Row(
            rows[0].name,
            rows[0].published,
            *(float(np.mean(part)) for part in zip(*((r.scaled, r.ours) for r in rows), strict=True)),
        )
        for rows in zip(*measured, strict=True)
    ]


def _measure(pixels: np.ndarray, rng: np.random.Generator, spread: float) -> list[Row]:
    """All rows on one image, (T, colours)."""

    def convolution(name: str, published: float, outputs: int, limits: tuple[int, int] | None = None) -> Row:
        weight, bias = _draw(rng, outputs, COLOURS)
        scaled = scaled_operators.linear(Scaled.of(pixels), Scaled.of(weight), Scaled.of(bias))
        own = ours.linear(pixels, weight, bias, *([limits] if limits else []))
        return _row(name, published, pixels @ weight.T + bias, scaled, own)

    def depthwise(name: str, published: float, outputs: int) -> Row:
        weight, bias = _draw(rng, outputs, 1)
        groups = np.arange(outputs) * COLOURS // outputs
        exact = pixels[:, groups] * weight[:, 0] + bias
        scaled = scaled_operators.depthwise(Scaled.of(pixels), Scaled.of(weight[:, 0]), Scaled.of(bias))
        # On our array a depthwise convolution is a dense one with zeros in it.
        dense = np.zeros((outputs, COLOURS))
        dense[np.arange(outputs), groups] = weight[:, 0]
        return _row(name, published, exact, scaled, ours.linear(pixels, dense, bias))

    weight, bias = _draw(rng, NORM_WIDTH, COLOURS)
    wide = pixels @ weight.T + bias
    normal = (wide - wide.mean(axis=1, keepdims=True)) / wide.std(axis=1, keepdims=True)
    weight, bias = _draw(rng, SOFTMAX_WIDTH, COLOURS)
    x = spread * (pixels @ weight.T + bias)
    power = np.exp(x)
    probability, gelu = power / power.sum(axis=1, keepdims=True), functional.gelu(torch.from_numpy(x)).numpy()

    def function(
        name: str,
        published: float | None,
        exact: np.ndarray,
        theirs: Callable[[Scaled], Scaled],
        own: Callable[[np.ndarray], np.ndarray],
        inputs: np.ndarray = x,
    ) -> Row:
        return _row(name, published, exact, theirs(Scaled.of(inputs)), own(inputs))

    return [
        convolution("2D convolution, 3 to 3", 7.64e-5, 3, INT16),
        convolution("2D convolution, 3 to 9", 6.63e-5, 9, INT16),
        convolution("2D convolution, 3 to 1", 6.89e-5, 1, INT16),
        function("Layer normalisation", 0.0015, normal, scaled_operators.layer_norm, ours.layer_norm, wide),
        depthwise("2D depthwise convolution, 3 to 3", 2.80e-5, 3),
        depthwise("2D depthwise convolution, 3 to 9", 0.0059, 9),
        convolution("Linear transformation, 3 to 9", 3.31e-5, 9),
        convolution("Linear transformation, 3 to 1", 1.79e-5, 1),
        convolution("Linear transformation, 3 to 3", 3.45e-5, 3),
        function("Softmax", 1.79e-5, probability, scaled_operators.softmax, ours.softmax),
        function("GELU by (16.1)", 0.0066, gelu, scaled_operators.gelu_tanh, ours.gelu),
        function("GELU by (16.2)", 0.0002, gelu, scaled_operators.gelu_shift, ours.gelu),
        function(
            "GELU by (16.2), −A³/3 as in (15)",
            None,
            gelu,
            lambda inputs: scaled_operators.gelu_shift(inputs, -1 / 3),
            ours.gelu,
        ),
    ]


def _draw(rng: np.random.Generator, outputs: int, inputs: int) -> tuple[np.ndarray, np.ndarray]:
    """Weight (O, I) and bias (O,), uniform within ±1/√I, as PyTorch initialises a linear layer."""
    bound = 1 / math.sqrt(inputs)
    return rng.uniform(-bound, bound, (outputs, inputs)), rng.uniform(-bound, bound, outputs)


def _row(name: str, published: float | None, exact: np.ndarray, scaled: Scaled, own: np.ndarray) -> Row:
    """The errors of equation (8): the mean over everything."""
    return Row(name, published, *(float(np.mean((values - exact) ** 2)) for values in (scaled.values, own)))
