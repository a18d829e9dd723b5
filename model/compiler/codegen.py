"""Code generation: a network's program for a core, with every offset, and no bytes of weights yet.

All passes but the last: ``fuse`` and ``analyse`` (what to do), ``plan`` (in which order, and where on chip),
then the instructions. The estimate needs no more; ``compile`` packs the streams and seals the image.
"""

from dataclasses import dataclass

from pointwise.hw.contract.config import CoreConfig
from pointwise.hw.contract.errors import PointwiseError
from pointwise.hw.contract.image import HEADER_BYTES, TRAILER_BYTES
from pointwise.hw.contract.isa import INSTRUCTION_BYTES, Instruction
from pointwise.hw.contract.stream import stream_bytes
from pointwise.model.graph import Graph

from .analysis import Analysis
from .convs import instructions, unplaced
from .layout import DramBlock
from .lowering import Rows
from .planning import Plan
from .plans import Planned, Plans
from .program import Emitter, Line
from .transfers import Transfers


@dataclass(frozen=True)
class Program:
    """What a network becomes on a core.

    Attributes:
        analysis: tensors and operations. plan: their order and places.
        lines: instructions in order, END last, with what each is for.
        streams: (offset, bytes) in the image of each operation's stationary stream.
        transfers: blocks of the input, of the constants' first values, and of spilled buffers.
        output: block of the result. traces: blocks of what each operation made, by its number.
        image_bytes: length of the image.
    """

    analysis: Analysis
    plan: Plan
    lines: tuple[Line, ...]
    streams: tuple[tuple[int, int], ...]
    transfers: Transfers
    output: DramBlock
    traces: dict[int, list[DramBlock]]
    image_bytes: int

    @property
    def instructions(self) -> tuple[Instruction, ...]:
        """The instructions alone."""
        return tuple(line.instruction for line in self.lines)


def generate(
    network: Graph, config: CoreConfig, trace: bool = False, plans: Planned | None = None
) -> Program:
    """Fuse, analyse, plan and emit ``network`` for a core.

    Args:
        trace: store the result of every operation in the output block.
        plans: of the network, where it is wanted on many cores.

    Raises:
        PointwiseError: the network does not fit the core, or is not sound; the sentence says what to do.
    """
    analysis, found = (plans or Plans(network))[config]
    graph = found.graph
    convs = [step.node for step in graph.steps if step.node is not None]
    more = sum(instructions(node, config) - 1 for node in convs)
    length = len(graph.steps) + more + (len(convs) if trace else 0) + 2  # the result is stored, and END
    streams, offset = [], HEADER_BYTES + length * INSTRUCTION_BYTES
    for node in analysis.nodes:
        streams.append((offset, stream_bytes(unplaced(node, config), config)))
        offset += streams[-1][1]
    transfers = Transfers(analysis, graph, config, offset)
    output = graph.buffers[graph.output]
    result = Rows(output.index, 0, output.tokens)
    block = transfers.result(result)
    traces: dict[int, list[DramBlock]] = {}
    emitter = Emitter(found, config, [offset for offset, _ in streams])
    for index in found.order:
        step = graph.steps[index]
        if step.node is None:
            emitter.move(step, *transfers.of_step(step))
            continue
        emitter.conv(step)
        if trace:
            traces.setdefault(step.node_index, []).append(transfers.result(step.output))
            emitter.store(step.output, traces[step.node_index][-1])
    emitter.store(result, block)
    emitter.end()
    if len(emitter.lines) != length:
        raise AssertionError(f"the program has {len(emitter.lines)} instructions, room is for {length}")
    image_bytes = offset + transfers.initial_bytes + TRAILER_BYTES
    if image_bytes >= 1 << 32:
        raise PointwiseError(
            f"the image of {network.name} would exceed 4 GiB, which its offsets cannot address; use a "
            "smaller network"
        )
    lines = tuple(emitter.lines)
    return Program(analysis, found, lines, tuple(streams), transfers, block, traces, image_bytes)
