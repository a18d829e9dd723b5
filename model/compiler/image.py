"""The memory image: a program, its streams and constants as bytes, sealed; and its form as text."""

import numpy as np

from pointwise.hw.contract.config import CoreConfig
from pointwise.hw.contract.image import HEADER_BYTES, Header, align, seal, shape_word
from pointwise.hw.contract.isa import Conv
from pointwise.model.export import hexadecimal
from pointwise.model.export.memory import Memory

from .codegen import Program
from .layout import pack_block
from .packing import pack_stream


def assemble(program: Program, config: CoreConfig) -> bytes:
    """Pack the stationary streams and first values of a program, and seal the image around it.

    Raises:
        PointwiseError: a parameter is out of the range that a stream can hold.
    """
    analysis, used = program.analysis, program.plan.used
    act_words, res_words = (used[space] for space in sorted(used))
    convs = [line.instruction for line in program.lines if isinstance(line.instruction, Conv)]
    header = Header(
        shape=shape_word(config),
        length=program.image_bytes,
        program_offset=HEADER_BYTES,
        program_length=len(program.lines),
        max_tokens=max(conv.first_token + conv.tokens for conv in convs),
        act_words=act_words,
        res_words=res_words,
        input_bytes=program.transfers.input_bytes,
        output_bytes=program.transfers.output_bytes,
    )
    parts = [header.encode(), *(line.instruction.encode() for line in program.lines)]
    for node, (_, size) in zip(analysis.nodes, program.streams, strict=True):
        channels = tuple(analysis.tensors[key].channels for key in node.inputs)
        data = pack_stream(node.op, channels, config)
        if len(data) != size:
            raise AssertionError(f"the stream of {node.op.name} has {len(data)} bytes, room is for {size}")
        parts.append(data)
    for key, block in program.transfers.initial:
        rows = slice(block.first_token, block.first_token + block.tokens)
        data = pack_block(analysis.constants[key][rows], block, config)
        parts.append(data.ljust(align(len(data)), b"\0"))
    return seal(b"".join(parts))


def to_hex(data: bytes, config: CoreConfig) -> bytes:
    """``$readmemh`` text: a beat of the bus on each line, the byte of the highest address first."""
    values = np.frombuffer(data, np.uint8)
    return hexadecimal.encode(Memory("image", "", values, config.axi_data_width))
