"""Runs a memory image: what the core does from start to done or error, without its timing."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from tests.independent.reference import convolution, image, legal
from tests.independent.reference.core import Code, Core, CoreError
from tests.independent.reference.fields import (
    INSTRUCTION_BYTES,
    Conv,
    Dma,
    End,
    Instruction,
    decode,
    reserved_bits,
)
from tests.independent.reference.memory import Dram, OnChip

Observer = Callable[[int, Instruction, OnChip, Dram], None]


@dataclass
class Result:
    """How a run ended. After an error `output` is undefined, and `instruction` is the one to blame."""

    code: Code
    message: str
    instruction: int | None
    output: bytes


def run(
    data: bytes,
    input_block: bytes,
    core: Core,
    observe: Observer | None = None,
    seed: int = 0,
    output_bytes: int | None = None,
) -> Result:
    """Checks an image and executes its program on one input block.

    Image and input block are the windows that are read. The output is the one that is written; it has
    `output_bytes`, or as many as the header says.

    Instructions run one after the other. A correct program waits for whatever it needs, so this is one of
    the orders in which the core may run it, and every order gives the same result. `observe` is called after
    each instruction with its index, itself, the on-chip memories and the DRAM. `seed` is that of the noise in
    memories that nobody has written.

    Raises Unsound for a program that breaks a promise.
    """
    try:
        header = image.check(data, core)
    except CoreError as error:
        return Result(error.code, str(error), None, b"")
    chip = OnChip(core, seed)
    memory = np.frombuffer(bytearray(data), np.uint8)
    size = header.output_bytes if output_bytes is None else output_bytes
    output = np.random.default_rng(seed + 1).integers(0, 256, size, np.uint8)
    dram = Dram(memory, np.frombuffer(bytearray(input_block), np.uint8), output)
    try:
        _run(header, data, chip, dram, observe)
    except CoreError as error:
        return Result(error.code, str(error), error.instruction, output.tobytes())
    return Result(Code.NONE, "", None, output.tobytes())


def _run(header: image.Header, data: bytes, chip: OnChip, dram: Dram, observe: Observer | None) -> None:
    completed = {Conv: 0, Dma: 0}
    for index in range(header.program_length):
        start = header.program_offset + index * INSTRUCTION_BYTES
        raw = data[start : start + INSTRUCTION_BYTES]
        instruction = decode(raw)
        if isinstance(instruction, End):
            return
        try:
            if instruction is None:
                raise CoreError(Code.OPCODE, "unknown opcode")
            if reserved_bits(raw):
                raise CoreError(Code.OPERAND, "a reserved bit is set")
            legal.check(instruction, completed[Conv], completed[Dma], chip.core)
            _execute(instruction, chip, dram)
        except CoreError as error:
            raise CoreError(error.code, f"instruction {index}: {error}", index) from error
        completed[type(instruction)] += 1
        if observe:
            observe(index, instruction, chip, dram)
    raise CoreError(Code.PROGRAM, "the program ends without END", header.program_length - 1)


def _execute(instruction: Conv | Dma, chip: OnChip, dram: Dram) -> None:
    data = dram.stream(instruction, chip.core) if isinstance(instruction, Conv) else None
    legal.check_promises(instruction, chip.core)
    if data is not None:
        convolution.execute(instruction, chip, data)
    elif instruction.store:
        dram.store(instruction, chip)
    else:
        dram.load(instruction, chip)
