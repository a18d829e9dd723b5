"""Training that is aware of quantisation: from a float checkpoint to integers, seeded and repeatable."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace

import torch
from rich.console import Console
from torch import Tensor

from pointwise.model.checkpoints import Checkpoint
from pointwise.model.deit import DeiT
from pointwise.model.digits import DigitImages
from pointwise.model.graph import Graph
from pointwise.model.quantise.inputs import pixel_scales
from pointwise.model.quantise.observe import observe
from pointwise.model.train import TrainingRecipe, check_for_digits, fit, reproducible

from .attach import EMBED, QuantisedDeiT
from .choose import quantiser_class
from .convert import integer_network
from .prune import Pruner
from .stream import StreamRecipe

HEADS = ("head", "head_dist")


@dataclass(frozen=True)
class QatRecipe:
    """How to train aware of quantisation.

    Attributes:
        weights: quantiser of the weights, see ``quantiser_class``.
        activations: quantiser of the activations, or None to calibrate them all after training.
        weight_bits: 2..8. edge_bits: the same of the first and the last layer, or None for no exception.
        prune: ``N:M``, or None.
        training: what `model.train.fit` takes, or for images in files what `qat.stream.fit_stream` takes. It
            is short, since the weights are trained already.
    """

    weights: str = "lsq"
    activations: str | None = "lsq"
    weight_bits: int = 4
    edge_bits: int | None = None
    prune: str | None = None
    training: TrainingRecipe | StreamRecipe = field(
        default_factory=lambda: TrainingRecipe(epochs=15, learning_rate=1e-3, warmup_epochs=1)
    )

    def with_seed(self, seed: int) -> QatRecipe:
        """The same from another seed."""
        return replace(self, training=replace(self.training, seed=seed))

    def bits(self, linear: str) -> int:
        """The bits of a linear layer's weights."""
        edge = linear == EMBED or linear in HEADS
        return self.edge_bits if edge and self.edge_bits is not None else self.weight_bits


@dataclass(frozen=True)
class QatResult:
    """What training gives.

    Attributes:
        quantised: the trained network with its quantisers, in inference mode.
        before: the integers that the same quantisers give without training.
        network: the integers after it.
    """

    quantised: QuantisedDeiT
    before: Graph
    network: Graph


def train_aware(
    checkpoint: Checkpoint,
    images: DigitImages,
    calibration: DigitImages,
    recipe: QatRecipe,
    *,
    name: str = "deit",
    threads: int = 1,
    console: Console | None = None,
) -> QatResult:
    """Put quantisers into a float network, train it on, and make integers of it.

    The same arguments give the same integers on the same machine with the same number of threads.

    Args:
        images, calibration: for training, and for the ranges of what no quantiser trains.
        name: of the integer network. threads: processor threads that torch may use.
        console: where the progress bar goes.

    Raises:
        PointwiseError: a quantiser that cannot be used, a bad recipe, or a network not for the digits.
    """
    check_for_digits(checkpoint.config)
    assert isinstance(recipe.training, TrainingRecipe)
    pixels = torch.from_numpy(calibration.normalised())
    notes = asdict(recipe)
    with reproducible(recipe.training.seed, threads):
        quantised = with_quantisers(checkpoint, pixels, recipe)

        def integers() -> Graph:
            return integer_network(quantised, checkpoint.config, pixels, name=name, notes=notes)

        before = integers()
        fit(quantised, images, recipe.training, console)
        return QatResult(quantised, before, integers())


def with_quantisers(checkpoint: Checkpoint, pixels: Tensor, recipe: QatRecipe) -> QuantisedDeiT:
    """A float network with the quantisers of a recipe in it, ready to be trained on.

    Args:
        pixels: (B, colours, S, S), to begin the quantisers with.

    Raises:
        PointwiseError: a quantiser that cannot be used, or a bad recipe.
    """
    weights = quantiser_class(recipe.weights)
    activations = recipe.activations and quantiser_class(recipe.activations)
    pruner = recipe.prune and Pruner.parse(recipe.prune)
    net = DeiT.from_state(checkpoint.config, checkpoint.state)
    seen = observe(net, pixels)
    quantised = QuantisedDeiT(net)
    bits = {linear: recipe.bits(linear) for linear, _ in quantised.linears()}
    quantised.attach_weights(weights, bits, pruner or None, pixel_scales(seen["pixels"], seen.grids))
    if activations:
        quantised.attach_activations(activations, pixels)
    return quantised
