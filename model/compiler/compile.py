"""``compile_network``: a network and a core's configuration in, a memory image and its manifest out."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from hw.contract.config import CoreConfig
from hw.contract.files import write_file
from hw.contract.image import check
from model.graph import Graph

from . import blocks
from .analysis import Analysis, analyse
from .image import ImageBuilder, to_hex
from .layout import pack_block
from .legality import check_program
from .lowering import Rows, Step
from .manifest import Record, build_manifest
from .packing import pack_stream
from .planning import Plan
from .program import Emitter, Line
from .room import plan
from .transfers import Transfers


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


def compile_network(network: Graph, config: CoreConfig, trace: bool = False) -> Compiled:
    """Compile ``network`` for a core.

    Args:
        trace: store the result of every convolution in the output block, to be compared with
            ``model.graph.run``.

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
        self, network: Graph, config: CoreConfig, analysis: Analysis, found: Plan, trace: bool
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
        self.emitter = Emitter(found, config, {})
        streams = {}
        for index, node in enumerate(analysis.nodes):
            parts = tuple(analysis.tensors[key].channels for key in node.inputs)
            data = pack_stream(node.op, parts, config)
            streams[index] = (self.builder.add(data), len(data))
            self.emitter.streams[index] = streams[index][0]
        self.transfers = Transfers(analysis, self.graph, config, self.builder.offset)
        output = self.graph.buffers[self.graph.output]
        self.result = Rows(output.index, 0, output.tokens)
        self.record = Record(streams, self.transfers, self.transfers.result(self.result), {})

    def build(self) -> bytes:
        """Emit everything; returns the image."""
        for index in self.plan.order:
            step = self.graph.steps[index]
            if step.node is None:
                self.emitter.move(step, *self.transfers.of_step(step))
            else:
                self.emitter.conv(step)
                if self.trace:
                    self._trace(step)
        self.emitter.store(self.result, self.record.output)
        self.emitter.end()
        check_program(self.emitter.lines, self.config)
        for key, block in self.transfers.initial:
            rows = slice(block.first_token, block.first_token + block.tokens)
            self.builder.add(pack_block(self.analysis.constants[key][rows], block, self.config))
        max_tokens = max(buffer.tensor.tokens for buffer in self.graph.buffers)
        act_words, res_words = (self.plan.used[space] for space in sorted(self.plan.used))
        return self.builder.finish(
            [line.instruction for line in self.emitter.lines],
            self.config,
            act_words,
            res_words,
            max_tokens,
            self.transfers.input_bytes,
            self.transfers.output_bytes,
        )

    def _trace(self, step: Step) -> None:
        """Store the tokens that a step has made."""
        block = self.transfers.result(step.output)
        self.record.traces.setdefault(step.node_index, []).append(block)
        self.emitter.store(step.output, block)
