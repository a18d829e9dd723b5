"""Where tensors lie in DRAM: the input block, first values in the image, results and spilled buffers."""

from dataclasses import replace

from pointwise.hw.contract.config import CoreConfig
from pointwise.hw.contract.isa import Base

from .analysis import Analysis, Key
from .layout import DramBlock, dram_block, word_bytes
from .lowering import Buffer, Graph, Rows, Step


class Transfers:
    """Gives every LOAD and STORE its block, in the order in which they are asked for.

    Args:
        image_offset: byte of the image behind the streams, where the first values of the residual stream go.

    Attributes:
        inputs: blocks of the input. initial: blocks of the constants, by their tensor. spilled: blocks of
            buffers that wait in DRAM, and of whole tensors that do, behind the results.
        input_bytes, initial_bytes, output_bytes: sizes so far.
    """

    def __init__(self, analysis: Analysis, graph: Graph, config: CoreConfig, image_offset: int = 0) -> None:
        self.analysis, self.graph, self.config = analysis, graph, config
        self.image_offset = image_offset
        self.inputs: list[DramBlock] = []
        self.initial: list[tuple[Key, DramBlock]] = []
        self.spilled: list[DramBlock] = []
        self.input_bytes = self.initial_bytes = self.output_bytes = 0
        self._blocks: dict[tuple[Base, int], DramBlock] = {}
        self._waiting: dict[tuple[Key, int], DramBlock] = {}

    def of_step(self, step: Step) -> tuple[Base, DramBlock]:
        """The block of a LOAD or STORE; buffers of one origin share it."""
        buffer = self.graph.buffers[step.output.buffer]
        if step.version is not None:
            return Base.OUTPUT, self._part(buffer, step.version)
        outside = Base.IMAGE if buffer.tensor.key in self.analysis.constants else Base.INPUT
        base = Base.OUTPUT if step.store or step.spilled else outside
        key = (base, buffer.origin)
        if key not in self._blocks:
            self._blocks[key] = self._new(base, buffer)
        return base, self._blocks[key]

    def _part(self, buffer: Buffer, version: int) -> DramBlock:
        """A buffer's tokens in the block of the whole tensor, of which each value has one of its own."""
        tensor = buffer.tensor
        whole = self._waiting.get((tensor.key, version))
        if whole is None:
            shape = (tensor.tokens, tensor.channels, tensor.dtype)
            whole = dram_block(self.output_bytes, *shape, self.config, whole=False)
            self._waiting[tensor.key, version] = whole
            self.spilled.append(whole)
            self.output_bytes += whole.size
        offset = whole.offset + buffer.first_token * word_bytes(tensor.space, self.config)
        return replace(whole, offset=offset, tokens=buffer.tokens, first_token=buffer.first_token)

    def result(self, rows: Rows) -> DramBlock:
        """A block of the output for tokens of a buffer."""
        buffer = self.graph.buffers[rows.buffer]
        block = dram_block(
            self.output_bytes,
            rows.count,
            buffer.tensor.channels,
            buffer.tensor.dtype,
            self.config,
            whole=rows.count == buffer.tokens,
            first_token=buffer.first_token + rows.first,
        )
        self.output_bytes += block.size
        return block

    def _new(self, base: Base, buffer: Buffer) -> DramBlock:
        offset = {
            Base.INPUT: self.input_bytes,
            Base.IMAGE: self.image_offset + self.initial_bytes,
            Base.OUTPUT: self.output_bytes,
        }[base]
        zeros = buffer.zero_rows if base == Base.INPUT else 0
        shape = (buffer.tokens - zeros, buffer.tensor.channels, buffer.tensor.dtype)
        # A row for each K-tile, so that a convolution can follow the LOAD.
        first = buffer.first_token + zeros
        block = dram_block(offset, *shape, self.config, whole=False, first_token=first)
        if base == Base.INPUT:
            self.inputs.append(block)
            self.input_bytes += block.size
        elif base == Base.IMAGE:
            self.initial.append((buffer.tensor.key, block))
            self.initial_bytes += block.size
        else:
            self.spilled.append(block)
            self.output_bytes += block.size
        return block
