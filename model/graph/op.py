"""``Op``: one operator of a graph, with everything that is known of it in one class."""

from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from pointwise.hw.contract.errors import PointwiseError

from .quantisation import Quantisation
from .value import FLOAT, LIMITS, Value

Numbers = np.ndarray | Any
"""An array of an operator; None while the network has no numbers, which who computes need not ask: so Any."""

if TYPE_CHECKING:  # a network in integers needs no torch
    from torch import Tensor


@dataclass(frozen=True, eq=False)
class Op:
    """An operator, and the value that it makes, which has its name.

    Each has two forms: of real numbers, with the weights of training, and of integers, which the quantiser
    makes of it.

    Attributes:
        name: unique in its graph. inputs: names of the values that it reads.
        layer: the layer that it is a part of, by which recipes and reports call it: the heads of an attention
            share theirs. The operator's own name unless given.
        quantisation: what the integers of its result stand for; no integer function looks at it.
    """

    name: str
    inputs: tuple[str, ...] = ()
    layer: str = field(default="", kw_only=True)
    quantisation: Quantisation = field(default=Quantisation(), kw_only=True)

    ARRAYS: ClassVar[dict[str, type[np.number]]] = {}
    """The fields that hold arrays of integers, and the types in which a file holds them."""
    READS: ClassVar[int | None] = 1
    """How many values it reads; None: one or more."""

    def __init_subclass__(cls) -> None:
        # Before ``dataclass`` would give it one that prints all numbers.
        cls.__repr__ = Op.__repr__

    def __post_init__(self) -> None:
        if not self.layer:
            object.__setattr__(self, "layer", self.name)

    def __repr__(self) -> str:
        """In a line: what it reads, and what differs from its defaults, arrays by their shapes."""
        said = [repr(self.name), *(repr(name) for name in self.inputs)]
        for each in fields(self):
            value = getattr(self, each.name)
            if isinstance(value, np.ndarray):
                said.append(f"{each.name} {value.dtype}{list(value.shape)}")
            elif each.name not in ("name", "inputs", "layer", "quantisation") and value != each.default:
                said.append(f"{each.name}={value!r}")
        return f"{type(self).__name__}({', '.join(said)})"

    def infer(self, *inputs: Value) -> Value:
        """The shape and type of the result.

        Raises:
            PointwiseError: the inputs or the operator's own arrays do not fit; the sentence names it.
        """
        raise NotImplementedError

    def integer(self, *inputs: np.ndarray) -> np.ndarray:
        """The result in integers, int64: the specification of the operator.

        Args:
            inputs: integers of the types that ``infer`` was given, (…, tokens, channels).
        """
        raise NotImplementedError

    def reference(self, *inputs: "Tensor") -> "Tensor":
        """The result in real numbers, of the inputs' type.

        Args:
            inputs: (…, tokens, channels).
        """
        raise NotImplementedError

    def macs(self, *inputs: Value) -> int:
        """Useful multiply-accumulates for one image."""
        return 0

    # What the operators' own checks are made of ----------------------------------------------------------

    def refused(self, what: str) -> PointwiseError:
        """The error that says what is wrong with this operator."""
        return PointwiseError(f"{type(self).__name__} {self.name} {what}")

    def needs(self, value: Value, index: int, *dtypes: str) -> None:
        """Refuse an input that is neither real nor of one of these types."""
        if value.dtype not in (FLOAT, *dtypes):
            raise self.refused(
                f"expects {' or '.join(dtypes)} in {self.inputs[index]}, which holds {value.dtype}"
            )

    def needs_shape(self, field_name: str, shape: tuple[int, ...]) -> None:
        """Refuse an array of another shape."""
        values: Any = getattr(self, field_name)
        if np.shape(values) != shape:
            found = "none" if values is None else f"the shape {np.shape(values)}"
            raise self.refused(f"has {field_name} of {found}, but {shape} was expected")

    def needs_range(self, field_name: str, low: int, high: int) -> None:
        """Refuse an array with a value out of range."""
        values = np.asarray(getattr(self, field_name))
        if values.size and not low <= values.min() <= values.max() <= high:
            raise self.refused(
                f"has {field_name} values from {values.min()} to {values.max()}, but {low} to {high} is "
                "possible"
            )

    def needs_dtype(self, dtype: str, *dtypes: str) -> None:
        """Refuse a result of another type."""
        if dtype not in dtypes or dtype not in LIMITS:
            raise self.refused(f"makes {dtype}, but {' or '.join(dtypes)} was expected")
