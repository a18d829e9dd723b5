"""Into how many slices tensors are cut: more and more, those first that are largest where memory is short."""

from pointwise.hw.contract.config import CoreConfig
from pointwise.hw.contract.isa import Space

from .analysis import Analysis, Key, Tensor
from .lifetimes import items_of, lifetimes
from .lowering import Graph
from .placement import peak


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
    limit = min(config.act_words, live.max() - 1)
    before = dict(slices)
    chosen: set[Key] = set()
    for position in (live > limit).nonzero()[0]:
        candidates = [
            buffer
            for buffer in graph.buffers
            if buffer.index in alive
            and alive[buffer.index][0] <= position <= alive[buffer.index][1]
            and buffer.tensor.key in may_slice
            and slices.get(buffer.tensor.key, 1) < most_slices(analysis, buffer.tensor.key)
            and (buffer.tensor.key in analysis.rows or buffer.tokens > min(config.rows, buffer.tensor.tokens))
        ]
        if candidates:
            chosen.add(max(candidates, key=lambda buffer: buffer.words).tensor.key)
    for key in chosen:
        more = max(slices.get(key, 1) + 1, slices.get(key, 1) * 3 // 2)
        slices[key] = min(more, most_slices(analysis, key))
    agree(analysis, slices)
    return slices != before


def agree(analysis: Analysis, slices: dict[Key, int]) -> None:
    """A layer between two sliced tensors cuts both at the same places: give chains of them one number, the
    largest of theirs that all of them can be cut into."""
    for members in chains(analysis, slices):
        parts = min(max(slices[key] for key in members), min(most_slices(analysis, key) for key in members))
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


def most_slices(analysis: Analysis, key: Key) -> int:
    """The most slices of a tensor: those of pictures are whole rows, also of what is made of them."""
    tensor = analysis.tensors[key]
    if key not in analysis.rows:
        return tensor.tokens
    made = (analysis.nodes[index].output for index in tensor.streamed_by)
    counts = (analysis.tensors[name].tokens // analysis.rows.get(name, 1) for name in (key, *made))
    return max(1, min(counts))


def finest(tensor: Tensor, config: CoreConfig) -> int:
    """Slices of a tensor that are at least as long as the array is high."""
    return -(-tensor.tokens // min(config.rows, tensor.tokens))
