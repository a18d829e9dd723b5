"""timm and torchvision, wherever they are installed."""

import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

import torch

from pointwise.hw.contract.errors import PointwiseError

LIBRARIES = ("timm", "torchvision")
SHELF = Path(sys.prefix) / "coverage"
"""Where ``make coverage`` installs them: beside the other packages, so that nothing else finds them. A
torchvision whose operators do not load takes every library with it that imports it."""
OPERATORS = ("nms", "qnms")
"""Of torchvision, that its own import wants declared. Its wheels are built for one build of PyTorch; beside
another one they do not load, and no classifier uses them."""
BOXES = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"


def library(name: str) -> ModuleType:
    """Import one of ``LIBRARIES``.

    Raises:
        PointwiseError: it is not installed.
    """
    if find_spec(name) is None and str(SHELF) not in sys.path:
        sys.path.append(str(SHELF))
    if find_spec(name) is None:
        raise PointwiseError(f"The Python package {name} is not installed; run make coverage.")
    _declare_operators()
    return import_module(name)


def versions() -> dict[str, str]:
    """Of each library, the version that is installed; raises PointwiseError where one is not."""
    return {name: str(library(name).__version__) for name in LIBRARIES}


def _declare_operators() -> None:
    """Declare operators of torchvision where its own do not load; before it is imported nobody can tell."""
    if "torchvision" in sys.modules:
        return
    found = find_spec("torchvision")
    if found is None or not found.submodule_search_locations:
        return
    folder = Path(found.submodule_search_locations[0])
    try:
        for path in folder.glob("_C*.so"):
            torch.ops.load_library(str(path))
    except OSError:
        for operator in OPERATORS:
            if not _declared(operator):
                torch.library.define(f"torchvision::{operator}", BOXES)


def _declared(operator: str) -> bool:
    return hasattr(torch.ops.torchvision, operator)
