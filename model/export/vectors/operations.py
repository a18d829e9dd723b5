"""What goes into and comes out of each operation of the core, of the integer model's run of an image."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from pointwise.model.engine import fuse
from pointwise.model.engine.op import (
    Accumulate,
    AddScaled,
    Diagonal,
    Divide,
    EngineOp,
    Exponential,
    Keys,
    LookUp,
    Normalise,
    Plain,
    Requantise,
    RowMax,
    TokenSums,
    Values,
    Weights,
)
from pointwise.model.graph import Graph, run
from pointwise.model.graph.ops import LayerNorm
from pointwise.model.graph.window import Window


@dataclass
class Vectors:
    """One operation.

    Attributes:
        name: of it. description: for the index: everything that is no array.
        arrays: by what they are, in the types that they have in the core: ``streamed``, ``stationary``,
            ``result``, and what the operation has of ``source``, ``bias``, ``mult``, ``shift``, ``table``,
            ``exponentials``, ``channel_shift``, ``added``.
    """

    name: str
    description: dict[str, Any]
    arrays: dict[str, np.ndarray] = field(default_factory=dict)


def vectors_of(network: Graph, image: np.ndarray) -> Iterator[Vectors]:
    """The operations of the core in their order.

    Args:
        image: the integers of the network's input, (tokens, channels).

    Raises:
        PointwiseError: the network is not sound, or the core has no way to do one of its operators.
    """
    values = run(network, image)
    for op in fuse(network):
        yield _Operation(network, op, values).vectors()


class _Operation:
    def __init__(self, network: Graph, op: EngineOp, values: dict[str, np.ndarray]) -> None:
        self.network, self.op, self.values = network, op, values
        self.arrays: dict[str, np.ndarray] = {}

    def vectors(self) -> Vectors:
        prologue = self._streamed()
        stationary = self._stationary()
        epilogue = [self._stage(stage) for stage in self.op.epilogue]
        self.arrays["result"] = self._value(self.op.output)
        description = {
            "operators": list(self.op.members),
            "reads": list(self.op.streamed),
            "writes": self.op.output,
            "prologue": prologue,
            "stationary": stationary,
            "window": _window(self.op.window),
            "pad": self.op.pad,
            "epilogue": epilogue,
            "macs": self.op.macs,
        }
        return Vectors(self.op.name, description, self.arrays)

    def _value(self, name: str) -> np.ndarray:
        """The integers of a value of the network, in its type."""
        return self.values[name].astype(self.network.values[name].dtype)

    def _streamed(self) -> dict[str, Any]:
        """What enters the array, and where the prologue makes it what that is made of: (tokens, K)."""
        op, prologue = self.op, self.op.prologue
        if isinstance(prologue, Plain) and not op.streamed:
            self.arrays["streamed"] = np.full((op.tokens, op.k), prologue.fill, np.uint8)
            return {"kind": "plain"}
        source = np.concatenate([self._value(name) for name in op.streamed], axis=-1)
        source = source[op.first : op.first + op.tokens]
        if not isinstance(prologue, Normalise | Exponential):
            self.arrays["streamed"] = source
            return {"kind": "plain"}
        self.arrays["source"] = source
        # The graph's operator in front of the product has made just that.
        made = self._value(self.network[op.name].inputs[0])
        self.arrays["streamed"] = made
        if isinstance(prologue, Exponential):
            self.arrays["exponentials"] = np.asarray(prologue.table).astype(np.uint8)
            return {"kind": "exponential"}
        if prologue.channel_shift is not None:
            self.arrays["channel_shift"] = np.asarray(prologue.channel_shift).astype(np.uint8)
        return {"kind": "normalise", **asdict(self._norm())}

    def _norm(self) -> Any:
        """Constants of the LayerNorm in front of the product."""
        members = (self.network[name] for name in self.op.members)
        return next(member.constants for member in members if isinstance(member, LayerNorm))

    def _stationary(self) -> dict[str, Any]:
        """The operand that stays in the array: (N, K), or behind a window (N, K, lines, taps) or a channel by
        itself (N, lines, taps)."""
        stationary = self.op.stationary
        if isinstance(stationary, Weights | Diagonal):
            self.arrays["stationary"] = np.asarray(stationary.values).astype(np.int8)
            if isinstance(stationary, Diagonal):
                return {"kind": "diagonal", "maximum": stationary.maximum}
            return {"kind": "weights", "bits": stationary.bits}
        held = self._value(stationary.value)
        if isinstance(stationary, Keys):
            self.arrays["stationary"] = held
            return {"kind": "keys", "value": stationary.value}
        assert isinstance(stationary, Values)
        self.arrays["stationary"] = held[stationary.first :].T
        return {"kind": "values", "value": stationary.value}

    def _stage(self, stage: Any) -> dict[str, Any]:
        """A step of the epilogue, whose arrays are noted."""
        if isinstance(stage, Requantise):
            for name, kind in (("bias", np.int32), ("mult", np.uint16), ("shift", np.uint8)):
                self.arrays[name] = np.asarray(getattr(stage, name)).astype(kind)
            return {"kind": "requantise", "dtype": stage.dtype}
        if isinstance(stage, LookUp):
            self.arrays["table"] = np.asarray(stage.table).astype(stage.dtype)
            return {"kind": "look_up"}
        if isinstance(stage, Accumulate | AddScaled):
            self.arrays["added"] = self._value(stage.value)
            if isinstance(stage, Accumulate):
                return {"kind": "accumulate", "value": stage.value}
            return {
                "kind": "add_scaled",
                "value": stage.value,
                "factor": stage.factor,
                "shift": stage.shift,
                "dtype": stage.dtype,
            }
        kinds = {Divide: "divide", RowMax: "row_max", TokenSums: "token_sums"}
        return {"kind": kinds[type(stage)]}


def _window(window: Window | None) -> dict[str, Any] | None:
    return None if window is None else {name: list(value) for name, value in asdict(window).items()}
