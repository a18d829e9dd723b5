"""The measure of a quantiser: a trained network, photographs that it was not calibrated on, another tool."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from pointwise.model.checkpoints import Checkpoint
from pointwise.model.frontends import DeiTNetwork
from pointwise.model.quantise import Recipe

from . import onnx_int8
from .dinov2 import onnx_path
from .fidelity import Fidelity, fidelity, float_features, integer_features
from .photographs import Watcher, crops

OURS = "Pointwise"


@dataclass(frozen=True)
class Result:
    """One quantiser on the crops of one seed.

    Attributes:
        what: ``OURS`` or a kind of ``onnx_int8``. seed: of the crops. figures: what it keeps.
    """

    what: str
    seed: int
    figures: Fidelity

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {"what": self.what, "seed": self.seed, **asdict(self.figures)}


def measure(
    weights: Checkpoint,
    images: Mapping[str, Image.Image],
    counts: tuple[int, int],
    seed: int,
    folder: Path,
    watch: Watcher,
    recipe: Recipe | None = None,
    others: bool = True,
) -> Iterator[Result]:
    """Quantise on some crops and compare on others, with ours first and then ONNX Runtime's static INT8.

    Args:
        weights: DINOv2-Small. images: photographs by name. counts: crops to calibrate and to measure on.
        seed: of the crops. folder: where they are written. recipe: ours; the default unless given.
        others: run ONNX Runtime too.
    """
    calibration, measured = crops(weights.prepared, images, counts, seed, folder)
    state, config = weights.state, weights.config
    tokens = float_features(state, config, measured, watch("float network"))
    source = DeiTNetwork(config, state, "dinov2_small")
    network = source.quantise(calibration, recipe, progress=watch("calibration"))
    got = integer_features(network, state, config, measured, watch("integers"))
    yield Result(OURS, seed, fidelity(tokens[:, 0], tokens, *got))
    if not others:
        return
    with tempfile.TemporaryDirectory() as place:
        path = onnx_int8.backbone(onnx_path(), Path(place))
        for kind in onnx_int8.KINDS:
            made = onnx_int8.static_int8(path, Path(place), calibration, kind, watch(f"ONNX Runtime, {kind}"))
            theirs = onnx_int8.features(made, measured)
            yield Result(kind, seed, fidelity(tokens[:, 0], tokens, theirs[:, 0], theirs))
