"""The program of a network for a core, and its places in memory, without an image around it."""

from dataclasses import dataclass, replace

from hw.contract.config import CoreConfig
from hw.contract.image import HEADER_BYTES, TRAILER_BYTES, align
from hw.contract.isa import INSTRUCTION_BYTES, Base, Conv, Dma, Instruction, Space
from model.compiler.analysis import analyse
from model.compiler.lowering import Rows
from model.compiler.planning import Plan
from model.compiler.program import Emitter, Line
from model.compiler.room import plan
from model.compiler.transfers import Transfers
from model.graph import Graph


@dataclass(frozen=True)
class Program:
    """What the compiler would make of a network.

    Attributes:
        instructions: in order, END last. names: of their layers.
        act_words, res_words: words of the two memories up to the highest that is used.
        image_bytes: size of the image.
    """

    instructions: tuple[Instruction, ...]
    names: tuple[str, ...]
    act_words: int
    res_words: int
    image_bytes: int


def program_of(network: Graph, config: CoreConfig) -> Program:
    """Order and place ``network`` as ``model.compiler.compile_network`` does, with the same instructions.

    The contents of the stationary streams are not made, so that an outline of a network will do.

    Raises:
        PointwiseError: the network does not fit the core, or is not sound; the sentence says what to do.
    """
    analysis = analyse(network, config)
    found = plan(analysis, config, network.name)
    graph = found.graph
    emitter = Emitter(found, config, dict.fromkeys(range(len(analysis.nodes)), 0))
    transfers = Transfers(analysis, graph, config)
    output = graph.buffers[graph.output]
    result = Rows(output.index, 0, output.tokens)
    block = transfers.result(result)
    for index in found.order:
        step = graph.steps[index]
        if step.node is None:
            emitter.move(step, *transfers.of_step(step))
        else:
            emitter.conv(step)
    emitter.store(result, block)
    emitter.end()
    instructions, end = _with_offsets(emitter.lines, found, config)
    return Program(
        instructions=instructions,
        names=tuple(line.name for line in emitter.lines),
        act_words=found.used[Space.ACTIVATION],
        res_words=found.used[Space.RESIDUAL],
        image_bytes=end + transfers.initial_bytes + TRAILER_BYTES,
    )


def _with_offsets(lines: list[Line], found: Plan, config: CoreConfig) -> tuple[tuple[Instruction, ...], int]:
    """The instructions with the offsets of what they read of the image, and where the streams end."""
    nodes = {line.step: found.graph.steps[line.step].node_index for line in lines if line.step >= 0}
    sizes = {
        nodes[line.step]: align(line.instruction.stream_beats * config.bus_bytes)
        for line in lines
        if isinstance(line.instruction, Conv)
    }
    offset = HEADER_BYTES + len(lines) * INSTRUCTION_BYTES
    offsets = {}
    for node in sorted(sizes):
        offsets[node] = offset
        offset += sizes[node]
    instructions = []
    for line in lines:
        instruction = line.instruction
        if isinstance(instruction, Conv):
            instruction = replace(instruction, stream_offset=offsets[nodes[line.step]])
        elif isinstance(instruction, Dma) and instruction.base == Base.IMAGE:
            instruction = replace(instruction, dram_offset=offset + instruction.dram_offset)
        instructions.append(instruction)
    return tuple(instructions), offset
