"""One point of the space, tried: cycles by estimate, area by its model, accuracy by integers on images."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np
from torch import Tensor

from pointwise.hw.contract.errors import PointwiseError
from pointwise.model.estimate import Memory, estimate
from pointwise.model.evaluate import compare, float_logits, integer_logits
from pointwise.model.frontends import DeiTNetwork
from pointwise.model.graph import Graph
from pointwise.model.graph.ops import Linear
from pointwise.model.networks import DeiTConfig
from pointwise.model.parallel import Job, code_digest, digest_of, one_thread
from pointwise.sim.area.model import area

from .space import Point, Space

OBJECTIVES: dict[str, Literal["minimize", "maximize"]] = {
    "cycles": "minimize",
    "area": "minimize",
    "sqnr_db": "maximize",
}
"""What is searched for, and which way is better."""
MOST_DB = 200.0
"""Stands for a network without any error, as a study takes no infinite value."""


@dataclass(frozen=True)
class Subject:
    """What is quantised and run.

    Attributes:
        name: of the network. state, config: the float network.
        calibration, images: (B, colours, S, S) normalised. memory: on the bus of the core.
    """

    name: str
    state: Mapping[str, Tensor]
    config: DeiTConfig
    calibration: np.ndarray
    images: np.ndarray
    memory: Memory

    def digest(self) -> str:
        """Of everything."""
        arrays = dict(self.state), self.calibration, self.images
        return digest_of(self.name, repr(self.config), arrays, repr(self.memory), code_digest())


class Trial:
    """Tries points; what it gives is JSON-able: figures, or the ``reason`` why there are none."""

    def __init__(self, subject: Subject, space: Space) -> None:
        self.subject, self.space = subject, space
        with one_thread():
            self.exact = float_logits(subject.state, subject.config, subject.images)
        self.known: dict[tuple[int, ...], tuple[Graph, float]] = {}

    def __call__(self, point: Point) -> dict[str, float | int | str]:
        """``cycles``, ``utilisation``, the cells of ``sim.area.model``, ``weight_bits`` in the mean,
        ``image_bytes`` and ``sqnr_db``."""
        try:
            config = self.space.config(point)
            network, decibels = self._quantised(point)
            found = estimate(network, config, self.subject.memory)
        except PointwiseError as error:
            return {"reason": str(error)}
        layers = [op for op in network.ops if isinstance(op, Linear)]
        sizes = [0 if layer.weight is None else layer.weight.size for layer in layers]
        bits = sum(layer.weight_bits * size for layer, size in zip(layers, sizes, strict=True))
        return {
            "cycles": found.cycles,
            "utilisation": found.utilisation,
            **area(config),
            "weight_bits": bits / sum(sizes),
            "image_bytes": found.image_bytes,
            "sqnr_db": decibels,
        }

    def _quantised(self, point: Point) -> tuple[Graph, float]:
        """The integers of a point and the signal-to-noise ratio of their logits in dB; kept, as the core does
        not matter."""
        bits = tuple(point[f"bits {layer}"] for layer in self.space.layers)
        if bits not in self.known:
            subject = self.subject
            with one_thread():
                source = DeiTNetwork(subject.config, subject.state, subject.name)
                network = source.quantise(subject.calibration, self.space.recipe(point))
                logits = integer_logits(network, subject.images)
            decibels = compare(self.exact, logits, None).sqnr_db
            self.known = {bits: (network, min(MOST_DB, decibels))}
        return self.known[bits]


def trials(subject: Subject, space: Space) -> Job:
    """The work of trying points; a part is a point."""
    return Job("explore", partial(Trial, subject, space), digest_of(subject.digest(), repr(space)))
