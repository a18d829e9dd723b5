"""``compile_network``: a network and a core's configuration in, a memory image and its manifest out."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from hw.contract.config import CoreConfig
from hw.contract.files import write_file
from hw.contract.image import check
from hw.contract.isa import Base
from model.integer.network import IntegerNetwork

from . import blocks
from .analysis import Analysis, analyse
from .image import ImageBuilder, to_hex
from .layout import DramBlock, dram_block, pack_block
from .lowering import Rows, Step
from .manifest import Record, build_manifest
from .packing import pack_stream
from .planning import Plan, plan
from .program import Emitter, Line


@dataclass(frozen=True)
class Compiled:
    """A network compiled for a core.

    Attributes:
        config: the core. program: instructions in order, with names. image: the sealed memory image.
        manifest: JSON-able description of everything; see ``manifest.build_manifest``.
    """

    config: CoreConfig
    program: tuple[Line, ...]
    image: bytes
    manifest: dict[str, Any]

    def pack_input(self, image: np.ndarray) -> bytes:
        """The input block for an int8 array of shape (tokens, input_channels)."""
        return blocks.pack_input(self.manifest, image)

    def read_output(self, data: bytes) -> dict[str, np.ndarray]:
        """Arrays of an output block by name: the result, and with trace every layer's."""
        return blocks.read_output(self.manifest, data)


def compile_network(network: IntegerNetwork, config: CoreConfig, trace: bool = False) -> Compiled:
    """Compile ``network`` for a core.

    Args:
        trace: store the result of every convolution in the output block, to be compared with
            ``model.integer.network.run``.

    Raises:
        PointwiseError: the network does not fit the core, or is not sound; the sentence says what to do.
    """
    analysis = analyse(network, config)
    found = plan(analysis, config, network.name)
    compiler = _Compiler(network, config, analysis, found, trace)
    image = compiler.build()
    check(image, config)
    manifest = build_manifest(
        network, config, analysis, found, compiler.emitter.lines, image, compiler.record, trace
    )
    return Compiled(config, tuple(compiler.emitter.lines), image, manifest)


def write(compiled: Compiled, folder: Path) -> dict[str, Path]:
    """Write ``image.bin``, ``image.hex``, ``manifest.json`` and ``config.json``; returns their paths by name.

    Raises:
        PointwiseError: a file cannot be written.
    """
    folder = Path(folder)
    contents = {
        "image.bin": compiled.image,
        "image.hex": to_hex(compiled.image, compiled.config),
        "config.json": compiled.config.to_json().encode(),
        "manifest.json": (json.dumps(compiled.manifest, indent=1) + "\n").encode(),
    }
    for name, data in contents.items():
        write_file(folder / name, data)
    return {name: folder / name for name in contents}


class _Compiler:
    """One compilation: the image and the program grow together."""

    def __init__(
        self, network: IntegerNetwork, config: CoreConfig, analysis: Analysis, found: Plan, trace: bool
    ) -> None:
        self.network, self.config, self.analysis, self.plan, self.trace = (
            network,
            config,
            analysis,
            found,
            trace,
        )
        self.graph = found.graph
        convs = sum(step.node is not None for step in self.graph.steps)
        stores = convs + 1 if trace else 1
        self.builder = ImageBuilder(len(self.graph.steps) + stores + 1)
        self.record = Record({}, [], None, None, {})
        self.emitter = Emitter(found, config, {})

    def build(self) -> bytes:
        """Emit everything; returns the image."""
        for index, node in enumerate(self.analysis.nodes):
            parts = tuple(self.analysis.tensors[key].channels for key in node.inputs)
            data = pack_stream(node.layer, parts, self.config)
            self.record.streams[index] = (self.builder.add(data), len(data))
            self.emitter.streams[index] = self.record.streams[index][0]
        output = self.graph.buffers[self.graph.output]
        self.record.output = self._output_block(Rows(output.index, 0, output.tokens))
        for index in self.plan.order:
            step = self.graph.steps[index]
            if step.node is None:
                self._load(step)
            else:
                self.emitter.conv(step)
                if self.trace:
                    self._trace(step)
        self.emitter.store(Rows(output.index, 0, output.tokens), self.record.output)
        self.emitter.end()
        max_tokens = max(buffer.tensor.tokens for buffer in self.graph.buffers)
        act_words, res_words = (self.plan.used[space] for space in sorted(self.plan.used))
        return self.builder.finish(
            [line.instruction for line in self.emitter.lines],
            self.config,
            act_words,
            res_words,
            max_tokens,
            self.record.input_bytes,
            self.record.output_bytes,
        )

    def _load(self, step: Step) -> None:
        buffer = self.graph.buffers[step.output.buffer]
        shape = (buffer.tokens, buffer.tensor.channels, buffer.tensor.dtype)
        if buffer.tensor.key == self.analysis.residual:
            block = dram_block(self.builder.offset, *shape, self.config)
            self.builder.add(pack_block(self.network.residual_init, block, self.config))
            self.record.init = block
            self.emitter.load(step, Base.IMAGE, block)
        else:
            block = dram_block(self.record.input_bytes, *shape, self.config, first_token=buffer.first_token)
            self.record.input_bytes += block.size
            self.record.inputs.append(block)
            self.emitter.load(step, Base.INPUT, block)

    def _trace(self, step: Step) -> None:
        """Store what a step has made; a tensor changed in place wholly, unless it comes in slices."""
        buffer = self.graph.buffers[step.output.buffer]
        rows = step.output
        if step.count == step.node.count:
            rows = Rows(buffer.index, 0, buffer.tokens)
        block = self._output_block(rows)
        self.record.traces.setdefault(step.node_index, []).append(block)
        self.emitter.store(rows, block)

    def _output_block(self, rows: Rows) -> DramBlock:
        buffer = self.graph.buffers[rows.buffer]
        block = dram_block(
            self.record.output_bytes,
            rows.count,
            buffer.tensor.channels,
            buffer.tensor.dtype,
            self.config,
            whole=rows.count == buffer.tokens,
            first_token=buffer.first_token + rows.first,
        )
        self.record.output_bytes += block.size
        return block
