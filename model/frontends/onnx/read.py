"""Reading an ONNX file: is it one, does it fit, and what is its input."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from pointwise.hw.contract.errors import PointwiseError

LEAST_OPSET = 13
"""Before it, softmax and others meant something else."""


def read(path: Path) -> Any:
    """A checked ``ModelProto``, functions in it inlined.

    Raises:
        PointwiseError: the file is none, or damaged, or older than is known; or ``onnx`` is not installed.
    """
    try:
        import onnx
        import onnx.inliner
    except ModuleNotFoundError as error:
        raise PointwiseError(
            "ONNX files are read with the package onnx, which is not installed; install pointwise[onnx]."
        ) from error
    if not path.is_file():
        raise PointwiseError(f"There is no ONNX file {path}; check the path.")
    try:
        model = onnx.load(path)
        onnx.checker.check_model(model)
        model = onnx.inliner.inline_local_functions(model)
    except Exception as error:
        # A damaged file makes the library raise almost anything.
        reason = " ".join(str(error).split())
        raise PointwiseError(
            f"The ONNX file {path} cannot be read, so it is damaged or something else ({reason[:200]})."
        ) from error
    opset = max((one.version for one in model.opset_import if one.domain in ("", "ai.onnx")), default=0)
    if opset < LEAST_OPSET:
        raise PointwiseError(
            f"The ONNX file {path} is of opset {opset}, but {LEAST_OPSET} or later is known; export it anew, "
            "or convert it with onnx.version_converter."
        )
    return model


def input_of(graph: Any, path: Path, shape: Sequence[int] | None = None) -> tuple[str, tuple[int, ...]]:
    """Name and shape of a graph's one input, with a batch of 1.

    Args:
        shape: of an input with its batch, where the file leaves sizes free.

    Raises:
        PointwiseError: it has several, or a dimension that is not fixed, or a batch of another size.
    """
    held = {one.name for one in graph.initializer}
    given = [one for one in graph.input if one.name not in held]
    if len(given) != 1:
        names = ", ".join(one.name for one in given)
        raise PointwiseError(
            f"The ONNX file {path} has {len(given)} inputs ({names}), but one was expected; cut out what "
            "runs on one with onnx.utils.extract_model."
        )
    name, sizes = given[0].name, []
    dimensions = given[0].type.tensor_type.shape.dim
    if shape is not None and len(shape) != len(dimensions):
        raise PointwiseError(
            f"The example has the shape {tuple(shape)}, but the input {name} of {path} has {len(dimensions)} "
            "dimensions; give one input with its batch."
        )
    for axis, dimension in enumerate(dimensions):
        fixed = dimension.HasField("dim_value") and dimension.dim_value > 0
        if not fixed and axis and shape is None:
            raise PointwiseError(
                f"Dimension {axis} of the input {name} of {path} is {dimension.dim_param or 'not known'}, "
                "but the core runs one size; give an input of that size (--inputs, or pw.load's example), or "
                "export it with a size that is fixed."
            )
        if fixed and axis and shape is not None and shape[axis] != dimension.dim_value:
            raise PointwiseError(
                f"Dimension {axis} of the example is {shape[axis]}, but that of the input {name} of {path} "
                f"is fixed to {dimension.dim_value}; give one of its shape."
            )
        free = shape[axis] if shape is not None and axis else 1
        sizes.append(dimension.dim_value if fixed else free)
    if len(sizes) > 2 and sizes[0] != 1:
        raise PointwiseError(
            f"The batch of the input {name} of {path} is fixed to {sizes[0]}, but one input was expected; "
            "export it with a batch of 1, or one that is free."
        )
    return name, tuple(sizes)


def constants_of(graph: Any, path: Path) -> dict[str, np.ndarray]:
    """The initializers by name; those outside of the file lie beside it."""
    from onnx import numpy_helper

    return {one.name: numpy_helper.to_array(one, str(path.parent)) for one in graph.initializer}
