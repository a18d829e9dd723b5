"""Hidden channels in groups, each with a table of its own for the activation.

One table serves all channels of a convolution, and covers the widest of them: where one channel of a
thousand reaches ten times as far as the others, those are left with a tenth of the integers. A linear layer
is the same in any order of its rows, if the one behind it has its columns in that order. So the channels are
sorted by how far they reach and cut into groups, each of which is a convolution with an activation of its
own; what they make stands side by side, as the heads of attention do.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from pointwise.model.graph import Graph, Op
from pointwise.model.graph.ops import Activation, Concat, Linear

from .recipe import Recipe
from .statistics import Statistics
from .trained import TrainedQuantisation

UNIT = 64
"""A group has a multiple of so many channels, so that no lane of an array of any size is idle."""
MOST = 3
"""Groups at most: each is a convolution with a beginning and an end of its own."""
WORTH = 0.75
"""The noise that is left of what a group less would leave, at most, for one more group."""
HEADROOM = 0.3
"""By which part a channel may reach further than it was seen to on a few images, in a group whose range it
decides. The range of the widest group is what was seen, as without groups: there one channel seldom decides
alone."""
BESIDE = 1.2
"""Part of the range of the index that lies below 0, where the activation bends."""

Groups = Mapping[str, Sequence[np.ndarray]]
"""For activations by name: the channels of each group, the widest last."""


def choose_groups(reach: np.ndarray, importance: np.ndarray) -> list[np.ndarray]:
    """Return the channels of each group, the one of the shortest reach first; one group, if more gain little.

    Args:
        reach: (K,) the largest input that each channel is ``allowed``.
        importance: (K,) how much an error of its result counts.
    """
    count = len(reach) // UNIT
    if not count or len(reach) % UNIT:
        return [np.arange(len(reach))]
    order = np.argsort(reach, kind="stable")
    width = (reach[order].reshape(count, UNIT)[:, -1] + BESIDE) ** 2
    weight = np.concatenate([[0.0], importance[order].reshape(count, UNIT).sum(axis=1).cumsum()])
    # noise[g][j]: the least noise of the first j units in g + 1 groups; starts: where the last one begins.
    noise = [weight[1:] * width]
    starts: list[np.ndarray] = []
    for _ in range(1, min(MOST, count)):
        before = np.concatenate([[np.inf], noise[-1][:-1]])
        options = before[:, None] + (weight[None, 1:] - weight[:-1, None]) * width[None]
        options[np.tri(count, count, -1, dtype=bool)] = np.inf
        starts.append(options.argmin(axis=0))
        noise.append(options.min(axis=0))
    groups = 1
    while groups < len(noise) and noise[groups][-1] < WORTH * noise[groups - 1][-1]:
        groups += 1
    borders = [count]
    for group in range(groups - 1, 0, -1):
        borders.insert(0, int(starts[group - 1][borders[0] - 1]))
    ends = [border * UNIT for border in borders]
    return [np.sort(order[first:end]) for first, end in zip([0, *ends[:-1]], ends, strict=True)]


def allowed(statistics: Statistics, name: str) -> np.ndarray:
    """How far each channel of the input of an activation may reach: no further than any was seen to, (K,)."""
    reach = statistics.reach[name].min_max(symmetric=False)[1]
    return np.minimum(np.maximum(reach, 0) * (1 + statistics.margin(HEADROOM)), reach.max())


def divisible(graph: Graph) -> list[Activation]:
    """The activations whose channels may be grouped: they stand between linear layers alone."""
    return [
        op
        for op in graph.ops
        if isinstance(op, Activation)
        and isinstance(graph[op.inputs[0]], Linear)
        and len(graph.readers[op.inputs[0]]) == 1
        and op.name != graph.output
        and all(isinstance(reader, Linear) for reader in graph.readers[op.name])
    ]


def groups_by_range(
    graph: Graph, statistics: Statistics, recipe: Recipe, trained: TrainedQuantisation
) -> Groups:
    """Groups of hidden channels, where the recipe lets them differ and training has fixed nothing."""
    chosen: dict[str, Sequence[np.ndarray]] = {}
    for op in divisible(graph):
        readers = graph.readers[op.name]
        fixed = {op.name, op.inputs[0], *(reader.name for reader in readers)}
        shared = recipe[graph[op.inputs[0]].layer].granularity == "tensor"
        if (
            shared
            or op.name not in statistics.reach
            or fixed & (trained.of_values() | trained.weights.keys())
        ):
            continue
        weights = [reader.weight for reader in readers if isinstance(reader, Linear)]
        importance = np.sum([(weight**2).sum(axis=0) for weight in weights], axis=0)
        groups = choose_groups(allowed(statistics, op.name), importance)
        if len(groups) > 1:
            chosen[op.name] = groups
    return chosen


def groups_of(network: Graph) -> Groups:
    """The groups of an integer network's channels, by which its twin of real numbers is ``divided``."""
    stored = network.info.get("groups", {})
    return {name: [np.array(part) for part in parts] for name, parts in stored.items()}


def divided(graph: Graph, groups: Groups) -> Graph:
    """The same network of real numbers with the channels of these activations in groups.

    Of the activation ``A`` of the linear layer ``L`` become ``L.0``, ``A.0``, ``L.1``, ``A.1`` …, and ``A``
    puts side by side what they make.
    """
    made: dict[str, list[Op]] = {op.name: [op] for op in graph.ops}
    for name, parts in groups.items():
        act = graph[name]
        source = graph[act.inputs[0]]
        assert isinstance(source, Linear)
        made[source.name], made[name] = [], []
        for index, channels in enumerate(parts):
            rows = source.weight[channels], source.bias[channels]
            part = f"{source.name}.{index}"
            made[name] += [
                replace(source, name=part, weight=rows[0], bias=rows[1], layer=source.layer),
                replace(act, name=f"{name}.{index}", inputs=(part,), layer=act.layer),
            ]
        joined = tuple(f"{name}.{index}" for index in range(len(parts)))
        made[name].append(Concat(name, joined, layer=act.layer))
        order = np.concatenate(parts)
        for reader in graph.readers[name]:
            assert isinstance(reader, Linear)
            made[reader.name] = [replace(reader, weight=reader.weight[:, order])]
    return replace(graph, ops=tuple(op for ops in made.values() for op in ops))
