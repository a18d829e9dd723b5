"""Hardware against the integer model: the first element that differs, by name."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from pointwise.hw.contract.errors import PointwiseError
from pointwise.hw.contract.registers import Error
from pointwise.model.engine import fuse
from pointwise.model.graph import Graph

from .system.run import CoreRun, explain


@dataclass(frozen=True)
class Mismatch:
    """The first element in which hardware and integer model differ in one tensor."""

    image: int
    layer: str
    tensor: str
    index: tuple[int, ...]
    expected: int
    got: int
    count: int

    def __str__(self) -> str:
        return (
            f"image {self.image}, layer {self.layer}, tensor {self.tensor}{list(self.index)}: "
            f"expected {self.expected}, got {self.got} ({self.count} elements differ)"
        )


def first_difference(
    image: int, layer: str, tensor: str, expected: np.ndarray, got: np.ndarray
) -> Mismatch | None:
    """Compare one tensor exactly; None if it is equal in shape and in every element."""
    expected, got = np.asarray(expected), np.asarray(got)
    if expected.shape != got.shape:
        raise PointwiseError(f"layer {layer} gave shape {got.shape}, the integer model {expected.shape}")
    places = np.argwhere(expected != got)
    if not len(places):
        return None
    index = tuple(int(i) for i in places[0])
    return Mismatch(image, layer, tensor, index, int(expected[index]), int(got[index]), len(places))


def compare_tensors(
    network: Graph, expected: Mapping[str, np.ndarray], got: Mapping[str, np.ndarray], image: int = 0
) -> list[Mismatch]:
    """Compare what a traced program stored with the results of ``pointwise.model.graph.run``, layer by layer.

    Raises:
        PointwiseError: a layer was not stored.
    """
    mismatches = []
    for op in fuse(network):
        if op.name not in got:
            raise PointwiseError(f"the trace holds no tensor of layer {op.name}; compile with trace")
        difference = first_difference(image, op.name, op.output, expected[op.output], got[op.name])
        mismatches += [difference] if difference else []
    return mismatches


def check_errors(core_run: CoreRun) -> None:
    """Raise PointwiseError with a sentence if a run ended in an error."""
    for outcome in core_run.images:
        if outcome.error != Error.NONE:
            raise PointwiseError(explain(outcome))
