"""Training aware of quantisation from several seeds: a part of work each."""

from __future__ import annotations

import tempfile
from base64 import b64encode
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import torch
from rich.console import Console

from pointwise.model.evaluate import compare, integer_logits
from pointwise.model.fitting import LabelledImages
from pointwise.model.frontends import FloatNetwork
from pointwise.model.graph import Graph
from pointwise.model.parallel import Job, code_digest, digest_of
from pointwise.model.quantise import save_network

from .places import weighted
from .train import QatRecipe, train_aware


class Split(Protocol):
    """Images to train on, others to measure on, and some of the former to calibrate on."""

    @property
    def train(self) -> LabelledImages: ...

    @property
    def held_out(self) -> LabelledImages: ...

    @property
    def calibration(self) -> LabelledImages: ...


class SeedTraining:
    """Trains a network from a seed; what comes of it is JSON-able.

    The same seed gives the same integers on the same machine, and on others of the same kind of processor.

    Args:
        source: the float network. data: its images. recipe: without its seed.
        threads: processor threads of torch.
    """

    def __init__(self, source: FloatNetwork, data: Split, recipe: QatRecipe, threads: int) -> None:
        self.source, self.data, self.recipe, self.threads = source, data, recipe, threads

    def __call__(self, seed: int, console: Console | None = None) -> dict[str, Any]:
        """Top-1 of the held-out images in per cent, ``float``, ``before`` and ``after`` training; the share
        of weights that are ``zeros``; and the file of the integers as base64, ``network``."""
        data, source = self.data, self.source
        result = train_aware(
            source,
            data.train,
            data.calibration,
            self.recipe.with_seed(seed),
            threads=self.threads,
            console=console,
        )
        images, labels = data.held_out.normalised(), data.held_out.labels
        exact = source.results(torch.from_numpy(images))

        def measured(network: Graph) -> float:
            return compare(exact, integer_logits(network, images), labels).top1_integer

        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "network.safetensors")
            save_network(path, result.network)
            text = b64encode(path.read_bytes()).decode()
        return {
            "images": len(labels),
            "float": compare(exact, exact, labels).top1_float,
            "before": measured(result.before),
            "after": measured(result.network),
            "zeros": zeros(result.network),
            "network": text,
        }


def zeros(network: Graph) -> float:
    """The share of the weights that are 0."""
    layers = list(weighted(network))
    return sum(int((layer.weight == 0).sum()) for layer in layers) / sum(
        layer.weight.size for layer in layers
    )


def training(source: FloatNetwork, data: Split, recipe: QatRecipe, threads: int) -> Job:
    """The work of training from many seeds; a part is a seed."""
    named = (recipe.weights, recipe.activations or "")
    own = tuple(Path(path) for path in (text.rpartition(":")[0] for text in named) if path[-3:] == ".py")
    # All that the integers depend on: the network, its images, and how it is trained.
    parts = (data.train, data.held_out, data.calibration)
    shown = [(part.normalised(), part.labels) for part in parts]
    digest = digest_of(source.graph.ops, shown, recipe.with_seed(0), own, threads, code_digest())
    work = partial(SeedTraining, source, data, recipe, threads)
    return Job("qat", work, digest, files=own, limit=24 * 3600.0)
