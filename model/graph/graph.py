"""``Graph``: a whole network, operators in an order in which they can be carried out."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from pointwise.hw.contract.errors import PointwiseError

from .op import Op
from .ops.input import Input
from .value import Value


@dataclass(frozen=True, eq=False)
class Graph:
    """A network.

    Attributes:
        name: for reports and file names.
        ops: each reads values of earlier ones alone; exactly one is an ``Input``.
        output: name of the result.
        info: anything that reports want (JSON-able).
    """

    name: str
    ops: tuple[Op, ...]
    output: str
    info: dict[str, Any] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.ops)

    def __getitem__(self, name: str) -> Op:
        """The operator of that name."""
        return self._by_name[name]

    def __contains__(self, name: str) -> bool:
        return name in self._by_name

    def __repr__(self) -> str:
        return f"Graph({self.name!r}, {len(self.ops)} operators, output {self.output!r})"

    @cached_property
    def _by_name(self) -> dict[str, Op]:
        return {op.name: op for op in self.ops}

    @cached_property
    def input(self) -> Input:
        """What the network is given.

        Raises:
            PointwiseError: there is none, or more than one.
        """
        found = [op for op in self.ops if isinstance(op, Input)]
        if len(found) != 1:
            raise PointwiseError(f"network {self.name} has {len(found)} inputs, but one was expected")
        return found[0]

    @cached_property
    def values(self) -> dict[str, Value]:
        """Shape and type of every value, by the name of its operator.

        Raises:
            PointwiseError: something does not fit together; the sentence names the operator.
        """
        values: dict[str, Value] = {}
        for op in self.ops:
            if op.name in values:
                raise PointwiseError(
                    f"network {self.name} has two operators {op.name}; give each a name of its own"
                )
            if (op.READS is not None and len(op.inputs) != op.READS) or (op.READS is None and not op.inputs):
                wanted = "at least one" if op.READS is None else op.READS
                raise op.refused(f"reads {len(op.inputs)} values, but {wanted} was expected")
            for name in op.inputs:
                if name not in values:
                    raise op.refused(f"reads {name}, which no operator before it makes")
            values[op.name] = op.infer(*(values[name] for name in op.inputs))
            for part in ("scale", "offset"):
                shape = np.shape(getattr(op.quantisation, part))
                if shape not in ((), (values[op.name].channels,)):
                    raise op.refused(
                        f"has a {part} of the shape {shape}, but one number or one for each of its "
                        f"{values[op.name].channels} channels was expected"
                    )
        if self.output not in values:
            raise PointwiseError(
                f"no operator makes {self.output}, the output of network {self.name}; name an operator"
            )
        return values

    @cached_property
    def readers(self) -> dict[str, tuple[Op, ...]]:
        """The operators that read each value, in order."""
        found: dict[str, list[Op]] = {op.name: [] for op in self.ops}
        for op in self.ops:
            for name in dict.fromkeys(op.inputs):
                found[name].append(op)
        return {name: tuple(ops) for name, ops in found.items()}

    @cached_property
    def macs(self) -> int:
        """Useful multiply-accumulates of one image."""
        return sum(self.macs_of(op) for op in self.ops)

    def macs_of(self, op: Op) -> int:
        """The same of an operator: rows of the input that are always zero do not count."""
        inputs = [self.values[name] for name in op.inputs]
        macs, given = op.macs(*inputs), self.input
        if macs and op.inputs[0] == given.name:
            macs = macs // inputs[0].tokens * (inputs[0].tokens - given.zero_rows)
        return macs

    def check(self) -> None:
        """Raise PointwiseError unless everything fits together."""
        _ = self.input, self.values

    def real(self, name: str, integers: np.ndarray) -> np.ndarray:
        """What integers of a value stand for, float64."""
        return self[name].quantisation.real(integers)

    def changed(self, ops: Mapping[str, Op]) -> "Graph":
        """The same network with other operators in place of those of these names."""
        return replace(self, ops=tuple(ops.get(op.name, op) for op in self.ops))
