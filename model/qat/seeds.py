"""Training aware of quantisation from several seeds: a part of work each."""

from __future__ import annotations

import tempfile
from base64 import b64encode
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Console

from pointwise.model import digits
from pointwise.model.checkpoints import Checkpoint
from pointwise.model.evaluate import compare, float_logits, integer_logits
from pointwise.model.graph import Graph
from pointwise.model.graph.ops import Linear
from pointwise.model.parallel import Job, code_digest, digest_of
from pointwise.model.quantise import save_network

from .train import QatRecipe, train_aware


class Trained:
    """Trains the network of the digits from a seed; what comes of it is JSON-able.

    The same seed gives the same integers on the same machine, and on others of the same kind of processor.

    Args:
        checkpoint: the float network. recipe: without its seed. name: of the integer network.
        threads: processor threads of torch.
    """

    def __init__(self, checkpoint: Checkpoint, recipe: QatRecipe, name: str, threads: int) -> None:
        self.checkpoint, self.recipe, self.name, self.threads = checkpoint, recipe, name, threads

    def __call__(self, seed: int, console: Console | None = None) -> dict[str, Any]:
        """Top-1 of the held-out digits in per cent, ``float``, ``before`` and ``after`` training; the share
        of weights that are ``zeros``; and the file of the integers as base64, ``network``."""
        data = digits.load()
        result = train_aware(
            self.checkpoint,
            data.train,
            data.calibration,
            self.recipe.with_seed(seed),
            name=self.name,
            threads=self.threads,
            console=console,
        )
        images, labels = data.held_out.normalised(), data.held_out.labels
        exact = float_logits(self.checkpoint.state, self.checkpoint.config, images)

        def measured(network: Graph) -> float:
            return compare(exact, integer_logits(network, images), labels).top1_integer

        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, f"{self.name}.safetensors")
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
    layers = [op for op in network.ops if isinstance(op, Linear)]
    return sum(int((layer.weight == 0).sum()) for layer in layers) / sum(
        layer.weight.size for layer in layers
    )


def training(checkpoint: Checkpoint, recipe: QatRecipe, name: str, threads: int) -> Job:
    """The work of training from many seeds; a part is a seed."""
    named = (recipe.weights, recipe.activations or "")
    own = tuple(
        Path(source) for source in (text.rpartition(":")[0] for text in named) if source[-3:] == ".py"
    )
    digest = digest_of(dict(checkpoint.state), recipe.with_seed(0), own, name, threads, code_digest())
    work = partial(Trained, checkpoint, recipe, name, threads)
    return Job("qat", work, digest, files=own, limit=24 * 3600.0)
