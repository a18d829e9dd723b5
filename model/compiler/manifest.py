"""The manifest: what a compiled image holds, as plain JSON for the runner, for reports and for people."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from pointwise.hw.contract.config import CoreConfig
from pointwise.hw.contract.image import HEADER_BYTES, TRAILER_BYTES, checksum
from pointwise.hw.contract.isa import INSTRUCTION_BYTES, Conv, Dma, End, Space
from pointwise.model.graph import Graph

from .codegen import Program
from .layout import DramBlock
from .manifest_form import FORMAT
from .planning import Plan
from .program import Line


def build_manifest(
    network: Graph, config: CoreConfig, program: Program, image: bytes, trace: bool
) -> dict[str, Any]:
    """Everything about a compiled network, JSON-able; ``manifest_form`` says what each field means.

    With ``trace``, the output holds what each layer made behind the network's result; buffers that wait in
    DRAM lie behind them.
    """
    plan, lines = program.plan, program.lines
    return {
        "format": FORMAT,
        "network": network.name,
        "macs": network.macs,
        "info": network.info,
        "config": asdict(config),
        "trace": trace,
        "image": {"bytes": len(image), "crc32": checksum(image)},
        "input": {
            "name": network.input.name,
            "shape": list(network.input.shape),
            "dtype": network.input.dtype,
            "scale": network.input.quantisation.step,
            "offset": float(np.mean(network.input.quantisation.offset)),
            "bytes": program.transfers.input_bytes,
            "blocks": _blocks(program.transfers.inputs),
        },
        "output": {"bytes": program.transfers.output_bytes, "tensors": _outputs(network, program)},
        "memory": {
            name: {
                "words": plan.used[space],
                "alive": plan.alive[space],
                "available": available,
                "word_bytes": config.rows * size,
            }
            for name, space, available, size in (
                ("activation", Space.ACTIVATION, config.act_words, 1),
                ("residual", Space.RESIDUAL, config.res_words, 2),
            )
        },
        "dram": _dram(program),
        "tensors": _tensors(plan, lines),
        "instructions": [_instruction(index, line) for index, line in enumerate(lines)],
    }


def _blocks(blocks: Iterable[DramBlock]) -> list[dict[str, Any]]:
    return [asdict(block) for block in sorted(blocks, key=lambda block: block.first_token)]


def _outputs(network: Graph, program: Program) -> list[dict[str, Any]]:
    analysis = program.analysis
    result = analysis.tensors[analysis.output]
    entries = [
        {
            "name": network.output,
            "layer": False,
            "shape": [result.tokens, result.channels],
            "dtype": result.dtype,
            "scale": network[network.output].quantisation.step,
            "zero_point": 0,
            "blocks": _blocks([program.output]),
        }
    ]
    for index, blocks in sorted(program.traces.items()):
        node = analysis.nodes[index]
        tensor = analysis.tensors[node.output]
        entries.append(
            {
                "name": node.op.name,
                "layer": True,
                "tensor": node.op.output,
                "shape": [node.count, tensor.channels],
                "first_token": 0,
                "dtype": tensor.dtype,
                "scale": node.op.quantisation.step,
                "zero_point": node.op.quantisation.zero_point,
                "blocks": _blocks(blocks),
            }
        )
    return entries


def _dram(program: Program) -> list[dict[str, Any]]:
    analysis, lines = program.analysis, program.lines
    entries = [
        {"offset": 0, "bytes": HEADER_BYTES, "what": "header"},
        {
            "offset": HEADER_BYTES,
            "bytes": len(lines) * INSTRUCTION_BYTES,
            "what": f"program, {len(lines)} instructions",
        },
    ]
    for node, (offset, size) in zip(analysis.nodes, program.streams, strict=True):
        entries.append({"offset": offset, "bytes": size, "what": f"stream of {node.op.name}"})
    for key, block in program.transfers.initial:
        what = f"{key} at the start"
        if block.tokens < analysis.tensors[key].tokens:
            what += f", tokens {block.first_token} to {block.first_token + block.tokens - 1}"
        entries.append({"offset": block.offset, "bytes": block.size, "what": what})
    entries.append(
        {"offset": program.image_bytes - TRAILER_BYTES, "bytes": TRAILER_BYTES, "what": "trailer, CRC-32"}
    )
    return entries


def _tensors(plan: Plan, lines: Sequence[Line]) -> list[dict[str, Any]]:
    first: dict[int, int] = {}
    for index, line in enumerate(lines):
        if line.step >= 0:
            first[line.step] = index
    entries = []
    for buffer in plan.graph.buffers:
        if buffer.index not in plan.places:
            continue
        begin, end = plan.lifetimes[buffer.index]
        last = first[plan.order[end]] if end < len(plan.order) else len(lines) - 1
        entries.append(
            {
                "name": buffer.name,
                "tensor": buffer.tensor.key,
                "first_token": buffer.first_token,
                "shape": [buffer.tokens, buffer.tensor.channels],
                "dtype": buffer.tensor.dtype,
                "scale": buffer.tensor.scale,
                "zero_point": buffer.tensor.zero_point,
                "memory": buffer.space.name.lower(),
                "base": plan.places[buffer.index],
                "words": buffer.words,
                "token_stride": 1,
                "word_stride": buffer.tokens,
                "first_instruction": first[plan.order[begin]],
                "last_instruction": last,
            }
        )
    return entries


def _instruction(index: int, line: Line) -> dict[str, Any]:
    entry: dict[str, Any] = {"index": index, "name": line.name}
    instruction = line.instruction
    if isinstance(instruction, End):
        return entry | {"opcode": "END"}
    opcode = "CONV" if isinstance(instruction, Conv) else "STORE" if instruction.store else "LOAD"
    entry["opcode"] = opcode
    if isinstance(instruction, Conv):
        entry["macs"] = line.macs
    elif isinstance(instruction, Dma) and line.block is not None:
        entry["bytes"] = line.block.size
    fields = {name: getattr(value, "name", value) for name, value in vars(instruction).items()}
    return entry | {"fields": fields}
