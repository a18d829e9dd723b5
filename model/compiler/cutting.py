"""Into how many slices tensors are cut: more and more, those first that are largest where memory is short."""

from collections.abc import Iterator

from pointwise.hw.contract.config import CoreConfig
from pointwise.hw.contract.isa import Space

from .analysis import Analysis, Key, Tensor
from .cuts import Cuts
from .lifetimes import items_of, lifetimes
from .lowering import Graph
from .placement import peak


def finer(
    analysis: Analysis, config: CoreConfig, cuts: Cuts, may_slice: set[Key]
) -> Iterator[dict[Key, int]]:
    """Numbers of slices, none first, then more and more of them where memory is short."""
    slices: dict[Key, int] = {}
    while True:
        yield dict(slices)
        cut = cuts[slices]
        if not cut_further(analysis, cut.graph, cut.order, config, may_slice, slices):
            return


def cut_further(
    analysis: Analysis,
    graph: Graph,
    order: list[int],
    config: CoreConfig,
    may_slice: set[Key],
    slices: dict[Key, int],
) -> bool:
    """Cut the largest tensor of each step that is over the capacity; False where nothing is left to cut."""
    alive = lifetimes(graph, order)
    live = peak(items_of(graph, alive, Space.ACTIVATION), len(order) + 1)
    over = live > min(config.act_words, live.max() - 1)
    before = dict(slices)
    most = {key: analysis.most_slices[key] for key in may_slice}
    candidates = [
        buffer
        for buffer in graph.buffers
        if buffer.index in alive
        and (key := buffer.tensor.key) in may_slice
        and slices.get(key, 1) < most[key]
        and (key in analysis.rows or buffer.tokens > min(config.rows, buffer.tensor.tokens))
    ]
    # The largest first: it is the largest of all the steps that no larger one is alive at.
    for buffer in sorted(candidates, key=lambda buffer: -buffer.words):
        first, last = alive[buffer.index]
        key = buffer.tensor.key
        if over[first : last + 1].any():
            over[first : last + 1] = False
            if slices.get(key, 1) == before.get(key, 1):
                slices[key] = min(max(before.get(key, 1) + 1, before.get(key, 1) * 3 // 2), most[key])
    agree(analysis, slices)
    return slices != before


def agree(analysis: Analysis, slices: dict[Key, int]) -> None:
    """A layer between two sliced tensors cuts both at the same places: give chains of them one number, the
    largest of theirs that all of them can be cut into."""
    for members in chains(analysis, slices):
        parts = min(max(slices[key] for key in members), min(analysis.most_slices[key] for key in members))
        slices |= dict.fromkeys(members, parts)


def chains(analysis: Analysis, slices: dict[Key, int]) -> list[set[Key]]:
    """Sliced tensors that are made of each other, slice by slice."""
    chain = {key: {key} for key in slices}
    for node in analysis.nodes:
        source, target = node.inputs[0] if node.inputs else "", node.output
        if source == analysis.input and analysis.rows and node.op.window is None:
            continue  # patches of an image are many: they come in finer slices than what is made of them
        if source in chain and target in chain and chain[source] is not chain[target]:
            chain[source] |= chain[target]
            for key in chain[source]:
                chain[key] = chain[source]
    return list({id(members): members for members in chain.values()}.values())


def finest(tensor: Tensor, config: CoreConfig) -> int:
    """Slices of a tensor that are at least as long as the array is high."""
    return -(-tensor.tokens // min(config.rows, tensor.tokens))
