"""How well integers keep the classes of a trained network on photographs other than those calibrated on."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from pointwise.model.evaluate import Evaluation, evaluate, sqnr_db
from pointwise.model.frontends import FloatNetwork
from pointwise.model.quantise import Recipe

from .photographs import Watcher

BATCH = 4
"""Crops at a time: the patches of one take some 15 MB."""


@dataclass(frozen=True)
class Classes:
    """Logits of a quantised network against those of the float one, on the crops of one seed.

    Attributes:
        seed: of the crops.
        sqnr_db: of all logits together; signal to quantisation noise.
        worst_db: of the crop that keeps least.
        agreement: per cent of the crops that are given the same class.
        close: per cent of the others for which the float network's logits of the two classes differ by less
            than the mean noise of a logit, times two.
    """

    seed: int
    sqnr_db: float
    worst_db: float
    agreement: float
    close: float

    @classmethod
    def of(cls, seed: int, found: Evaluation) -> Classes:
        """Of what evaluating gave."""
        exact, got = found.logits_float, found.logits_integer
        rows = np.arange(len(exact))
        ours, theirs = got.argmax(axis=1), exact.argmax(axis=1)
        margin = exact[rows, theirs] - exact[rows, ours]
        near = margin < 2 * np.sqrt(((got - exact) ** 2).mean())
        other = ours != theirs
        return cls(
            seed,
            found.sqnr_db,
            min(sqnr_db(one, two) for one, two in zip(exact, got, strict=True)),
            found.agreement,
            100 * float(near[other].mean()) if other.any() else 100.0,
        )

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def measure_classes(
    source: FloatNetwork,
    calibration: np.ndarray,
    measured: np.ndarray,
    seed: int,
    watch: Watcher,
    recipe: Recipe | None = None,
) -> Classes:
    """Quantise on some crops and compare on others.

    Args:
        calibration, measured: (B, 3, S, S), as ``photographs.crops`` gives them. seed: of them. recipe: the
            default unless given.
    """
    recipe = recipe or Recipe()
    network = source.convert(source.calibrate(calibration, recipe, BATCH, watch("calibration")), recipe)
    return Classes.of(seed, evaluate(network, source, measured, progress=watch("integers")))
