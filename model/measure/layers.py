"""How well each layer of a quantised network follows the float one: noise, clipping, sensitivity."""

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from pointwise.model.engine import EngineOp
from pointwise.model.engine.op import Exponential, LookUp, RowMax, Weights
from pointwise.model.evaluate import compare
from pointwise.model.evaluate.arrays import decibels
from pointwise.model.graph.value import LIMITS

from .mixed import MixedNetwork

BINS = 48
"""Bars of a histogram."""
AT_ONCE = 2
"""Images that go through the layers together."""
QUIETEST = 200.0
"""Stands for the signal to noise ratio, in decibels, of what does not err at all."""

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class LayerMeasure:
    """One layer, all its heads together.

    Attributes:
        name: without the head. kind: its last part.
        sqnr_db: of its result in the integer network, all layers before it included, against the float
            network. A layer that adds to the residual stream counts with the whole stream.
        clipped: share of the float result beyond the integers' range.
        low, high: of the float result.
        covered_low, covered_high: what the integers reach; of channels that differ, the widest.
        counts, edges: a histogram of the float result; what lies beyond is counted at its ends.
        weights, weight_bits: how many, and how wide in the image.
        bytes: of weights, biases, factors and tables.
        sensitivity_db: signal to noise ratio of the logits when this layer alone computes in integers; None
            where it was not measured. share: of the noise that all layers alone add up to.
    """

    name: str
    kind: str
    sqnr_db: float
    clipped: float
    low: float
    high: float
    covered_low: float
    covered_high: float
    counts: list[int]
    edges: list[float]
    weights: int
    weight_bits: int
    bytes: int
    sensitivity_db: float | None = None
    share: float | None = None


@dataclass(frozen=True)
class NetworkMeasure:
    """A quantised network on some images.

    Attributes:
        images: how many, of which ``sensitivity_images`` were used for the sensitivity.
        sqnr_db, agreement: of the logits, in decibels, and of the chosen classes, in per cent.
        layers: in order of execution.
    """

    images: int
    sensitivity_images: int
    sqnr_db: float
    agreement: float
    layers: tuple[LayerMeasure, ...]

    def to_dict(self) -> dict[str, Any]:
        """JSON-able."""
        return asdict(self) | {"layers": [asdict(layer) for layer in self.layers]}


def measure(
    mixed: MixedNetwork,
    images: np.ndarray,
    sensitivity_images: int,
    progress: Progress | None = None,
) -> NetworkMeasure:
    """Compare every layer on images (B, colours, S, S), normalised.

    Args:
        sensitivity_images: the first so many are run once more for every layer; 0 leaves sensitivity out.
        progress: called with (steps done, steps in all), a step being one pass of ``AT_ONCE`` images.
    """
    layers = units(mixed)
    names = list(layers)
    parts = [images[start : start + AT_ONCE] for start in range(0, len(images), AT_ONCE)]
    few = images[:sensitivity_images]
    few = [few[start : start + AT_ONCE] for start in range(0, len(few), AT_ONCE)]
    whole, done = len(parts) + len(few) * len(names), 0

    def step() -> None:
        nonlocal done
        done += 1
        if progress:
            progress(done, whole)

    records = {name: _Record() for name in names}
    floats, integers = [], []
    for part in parts:
        exact, rounded = _follow(mixed, part, records)
        floats.append(exact)
        integers.append(rounded)
        step()
    noise, signal = dict.fromkeys(names, 0.0), 0.0
    for part in few:
        exact = np.zeros(0)
        for name, logits, exact in alone(mixed, part):
            noise[name] += float(((logits - exact) ** 2).sum())
            step()
        signal += float((exact**2).sum())
    result = compare(np.concatenate(floats), np.concatenate(integers), None)
    total = sum(noise.values()) or 1.0
    measured = []
    for name, heads in layers.items():
        told = (finite_decibels(signal, noise[name]), noise[name] / total) if few else (None, None)
        measured.append(records[name].told(name, heads, *told))
    sqnr = min(result.sqnr_db, QUIETEST)
    return NetworkMeasure(len(images), sum(map(len, few)), sqnr, result.agreement, tuple(measured))


def units(mixed: MixedNetwork) -> dict[str, list[EngineOp]]:
    """The operations by the layer that they are a part of, in order of execution."""
    found: dict[str, list[EngineOp]] = {}
    for op in mixed.ops:
        found.setdefault(mixed.layer(op), []).append(op)
    return found


def alone(mixed: MixedNetwork, images: np.ndarray) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """For each layer, the logits (B, classes) when it alone computes in integers, and the float network's.

    What lies in front of the layer is run only once for all layers.
    """
    exact = mixed.run(images)[mixed.ops[-1].name][:, 0]
    tensors = mixed.start(images)
    met = set()
    for index, op in enumerate(mixed.ops):
        name = mixed.layer(op)
        if name not in met:
            met.add(name)
            copy = tensors.copy()
            for later in mixed.ops[index:]:
                result = mixed.step(later, copy, mixed.layer(later) == name)
            yield name, result[:, 0], exact
        mixed.step(op, tensors, False)


def finite_decibels(signal: float, noise: float) -> float:
    """``decibels``, within ±``QUIETEST`` so that it can stand in a JSON file."""
    return min(max(decibels(signal, noise), -QUIETEST), QUIETEST)


def _follow(
    mixed: MixedNetwork, images: np.ndarray, records: dict[str, "_Record"]
) -> tuple[np.ndarray, np.ndarray]:
    """Run the float and the integer network side by side; returns the logits of both."""
    floats, integers = mixed.start(images), mixed.start(images)
    for op in mixed.ops:
        exact, got = mixed.step(op, floats, False), mixed.step(op, integers, True)
        records[mixed.layer(op)].update(op, exact, got)
    return exact[:, 0], got[:, 0]


class _Record:
    """Adds up what ``LayerMeasure`` tells."""

    def __init__(self) -> None:
        self.signal = self.noise = 0.0
        self.low, self.high = np.inf, -np.inf
        self.clipped = self.count = 0
        self.edges = np.zeros(0)
        self.counts = np.zeros(BINS, np.int64)

    def update(self, op: EngineOp, exact: np.ndarray, got: np.ndarray) -> None:
        """Take in the results (B, T, N) of one head of the float and the integer network."""
        low, high = _reach(op)
        self.clipped += int(((exact < low) | (exact > high)).sum())
        self.count += exact.size
        self.low, self.high = min(self.low, float(exact.min())), max(self.high, float(exact.max()))
        if not len(self.edges):
            self.edges = np.linspace(self.low, self.high if self.high > self.low else self.low + 1, BINS + 1)
        self.counts += np.histogram(np.clip(exact, self.edges[0], self.edges[-1]), self.edges)[0]
        if op.stage(RowMax) is not None:
            # What all scores of a row have in common does nothing to their softmax.
            exact = exact - exact.mean(axis=-1, keepdims=True)
            got = got - got.mean(axis=-1, keepdims=True)
        self.signal += float((exact**2).sum())
        self.noise += float(((exact - got) ** 2).sum())

    def told(
        self, name: str, heads: list[EngineOp], sensitivity: float | None, share: float | None
    ) -> LayerMeasure:
        """What was added up, with what the layers of all heads are."""
        reach = [_reach(op) for op in heads]
        weights = [op.stationary for op in heads if isinstance(op.stationary, Weights)]
        return LayerMeasure(
            name=name,
            kind=name.rpartition(".")[2],
            sqnr_db=finite_decibels(self.signal, self.noise),
            clipped=self.clipped / self.count,
            low=self.low,
            high=self.high,
            covered_low=float(min(low.min() for low, _ in reach)),
            covered_high=float(max(high.max() for _, high in reach)),
            counts=self.counts.tolist(),
            edges=self.edges.tolist(),
            weights=sum(one.values.size for one in weights),
            weight_bits=max((one.bits for one in weights), default=8),
            bytes=sum(map(_bytes, heads)),
            sensitivity_db=sensitivity,
            share=share,
        )


def _reach(op: EngineOp) -> tuple[np.ndarray, np.ndarray]:
    """What the least and the largest integer of each channel stand for, with half a step beyond, (N,)."""
    channels = np.zeros(op.n)
    low, high = LIMITS[op.dtype]
    return op.quantisation.real(channels + low - 0.5), op.quantisation.real(channels + high + 0.5)


def _bytes(op: EngineOp) -> int:
    """Of what the operation keeps in the memory image, without padding."""
    weights = op.stationary
    packed = -(-weights.values.size * weights.bits // 8) if isinstance(weights, Weights) else 0
    tables = isinstance(op.prologue, Exponential) + (op.stage(LookUp) is not None)
    return packed + op.n * (4 + 2 + 1) + tables * 256
