"""Training that is aware of quantisation: from a float checkpoint to integers, seeded and repeatable."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace

import torch
from rich.console import Console
from torch import Tensor

from pointwise.hw.contract.errors import PointwiseError
from pointwise.model.fitting import LabelledImages, TrainingRecipe, fit
from pointwise.model.frontends import FloatNetwork
from pointwise.model.graph import Graph
from pointwise.model.optimisation import reproducible
from pointwise.model.quantise.inputs import PIXELS, pixel_scales
from pointwise.model.quantise.recipe import LayerConfig, Recipe

from .choose import quantiser_class
from .convert import integer_network
from .network import QuantisedNetwork
from .places import ACTIVATION_BITS, edges, weighted
from .prune import Pruner
from .stream import StreamRecipe


@dataclass(frozen=True)
class QatRecipe:
    """How to train aware of quantisation.

    Attributes:
        weights: quantiser of the weights, see ``quantiser_class``.
        activations: quantiser of the activations, or None to calibrate them all after training.
        weight_bits: 2..8. edge_bits: the same of the first and the last layer, or None for no exception.
        prune: ``N:M``, or None.
        training: what `model.fitting.fit` takes, or for images in files what `qat.stream.fit_stream` takes.
            It is short, since the weights are trained already.
        activation_bits: 2..8, of the results of functions that are multiplied with weights (``narrow``); all
            other activations have 8.
    """

    weights: str = "lsq"
    activations: str | None = "lsq"
    weight_bits: int = 4
    edge_bits: int | None = None
    prune: str | None = None
    training: TrainingRecipe | StreamRecipe = field(
        default_factory=lambda: TrainingRecipe(epochs=15, learning_rate=1e-3, warmup_epochs=1)
    )
    activation_bits: int = ACTIVATION_BITS

    def with_seed(self, seed: int) -> QatRecipe:
        """The same from another seed."""
        return replace(self, training=replace(self.training, seed=seed))

    def bits(self, graph: Graph) -> dict[str, int]:
        """The bits of the weights of each operator that has some."""
        edge = edges(graph) if self.edge_bits is not None else set()
        return {
            op.name: self.weight_bits if self.edge_bits is None or op.name not in edge else self.edge_bits
            for op in weighted(graph)
        }


@dataclass(frozen=True)
class QatResult:
    """What training gives.

    Attributes:
        quantised: the trained network with its quantisers, in inference mode.
        before: the integers that the same quantisers give without training.
        network: the integers after it.
    """

    quantised: QuantisedNetwork
    before: Graph
    network: Graph


def train_aware(
    source: FloatNetwork,
    images: LabelledImages,
    calibration: LabelledImages,
    recipe: QatRecipe,
    *,
    threads: int = 1,
    console: Console | None = None,
) -> QatResult:
    """Put quantisers into a float network, train it on, and make integers of it.

    The same arguments give the same integers on the same machine with the same number of threads.

    Args:
        source: the float network. images, calibration: for training, and for the ranges of what no quantiser
            trains.
        threads: processor threads that torch may use. console: where the progress bar goes.

    Raises:
        PointwiseError: a quantiser that cannot be used, a bad recipe, or a network not for these images.
    """
    check_fits(source, images)
    assert isinstance(recipe.training, TrainingRecipe)
    pixels = torch.from_numpy(calibration.normalised())
    notes = asdict(recipe)
    with reproducible(recipe.training.seed, threads):
        quantised = with_quantisers(source, pixels, recipe)

        def integers() -> Graph:
            return integer_network(quantised, source, pixels, notes)

        before = integers()
        fit(quantised, images, recipe.training, console)
        return QatResult(quantised, before, integers())


def check_fits(source: FloatNetwork, images: LabelledImages) -> None:
    """Raise PointwiseError unless a network takes these images and tells all that they show apart."""
    shape, classes = images.normalised().shape[1:], int(images.labels.max()) + 1
    given = source.graph.values[source.graph.output].channels
    if shape != source.input_shape or given < classes:
        raise PointwiseError(
            f"The images are of {_times(shape)} and show {classes} classes, but {source.name} takes "
            f"{_times(source.input_shape)} and gives {given}; choose a network for them."
        )


def _times(shape: tuple[int, ...]) -> str:
    return "×".join(map(str, shape))


def with_quantisers(source: FloatNetwork, pixels: Tensor, recipe: QatRecipe) -> QuantisedNetwork:
    """A float network with the quantisers of a recipe in it, ready to be trained on.

    Args:
        pixels: (B, *shape), to begin the quantisers with.

    Raises:
        PointwiseError: a quantiser that cannot be used, or a bad recipe.
    """
    weights = quantiser_class(recipe.weights)
    activations = recipe.activations and quantiser_class(recipe.activations)
    pruner = recipe.prune and Pruner.parse(recipe.prune)
    statistics = source.calibrate(pixels, Recipe(LayerConfig(rounding="nearest")))
    quantised = QuantisedNetwork(source, recipe.activation_bits)
    scales = pixel_scales(statistics[PIXELS], statistics.grids)
    quantised.attach_weights(weights, recipe.bits(quantised.graph), pruner or None, scales)
    if activations:
        quantised.attach_activations(activations, pixels)
    return quantised
