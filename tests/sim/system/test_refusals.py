"""What a core does with a wrong image, with a failing bus and with a memory that does not answer."""

import struct
import zlib

import pytest

from pointwise.hw.contract.image import HEADER_BYTES, TRAILER_BYTES
from pointwise.hw.contract.isa import INSTRUCTION_BYTES
from pointwise.hw.contract.registers import Error
from pointwise.model.compiler import Compiled, compile_network
from pointwise.model.compiler.random_network import random_image, random_network
from pointwise.model.graph import run
from pointwise.sim.system.run import CoreRun, run_core
from tests.sim.system.cores import SHAPES, simulator

SHAPE, SEED = "4x4", 2
CYCLES = 200_000


def sealed(image: bytes, offset: int, word: int) -> bytes:
    """``image`` with one word changed and the checksum made right again."""
    changed = image[:offset] + struct.pack("<I", word) + image[offset + 4 :]
    body = changed[:-TRAILER_BYTES]
    return body + struct.pack("<I", zlib.crc32(body)) + bytes(TRAILER_BYTES - 4)


def run_case(compiled: Compiled, **options: object) -> CoreRun:
    block = compiled.pack_input(random_image(random_network(SEED), SEED))
    blocks = [block] * options.pop("starts", 1)
    return run_core(simulator(SHAPE), compiled, blocks, timeout_cycles=CYCLES, **options)


@pytest.fixture(scope="module")
def compiled() -> Compiled:
    return compile_network(random_network(SEED), SHAPES[SHAPE])


@pytest.mark.parametrize(
    ("offset", "word", "error"),
    [
        (0, 0x12345678, Error.MAGIC),
        (4, 99, Error.VERSION),
        (8, 0x08040404 ^ 1, Error.SHAPE),
        (12, 64, Error.LENGTH),
        (24, SHAPES[SHAPE].max_tokens + 1, Error.MEMORY),
        (28, SHAPES[SHAPE].act_words + 1, Error.MEMORY),
        (32, SHAPES[SHAPE].res_words + 1, Error.MEMORY),
        (64, 0xF, Error.OPCODE),
        (68, 0, Error.OPERAND),
    ],
)
def test_wrong_images_are_refused(compiled: Compiled, offset: int, word: int, error: Error) -> None:
    if error is Error.OPERAND:
        # The first CONV of the program, with no tokens and no channels.
        first = next(
            i for i, line in enumerate(compiled.manifest["instructions"]) if line["opcode"] == "CONV"
        )
        offset = HEADER_BYTES + INSTRUCTION_BYTES * first + 4
    (outcome,) = run_case(compiled, image=sealed(compiled.image, offset, word)).images
    assert outcome.error is error
    assert sum(outcome.causes.values()) == outcome.cycles


def test_a_damaged_byte_is_noticed(compiled: Compiled) -> None:
    middle = len(compiled.image) // 2
    damaged = compiled.image[:middle] + bytes([compiled.image[middle] ^ 16]) + compiled.image[middle + 1 :]
    (outcome,) = run_case(compiled, image=damaged).images
    assert (outcome.error, outcome.cycles) == (Error.CHECKSUM, 0)


def test_a_wrong_length_is_noticed(compiled: Compiled) -> None:
    (outcome,) = run_case(compiled, image_bytes=len(compiled.image) - 64).images
    assert (outcome.error, outcome.cycles) == (Error.LENGTH, 0)


def stream_address(compiled: Compiled) -> int:
    """An address in the middle of the weights of the last convolution."""
    last = [line for line in compiled.manifest["instructions"] if line["opcode"] == "CONV"][-1]
    return last["fields"]["stream_offset"]


@pytest.mark.parametrize("response", [2, 3])
def test_read_errors_stop_and_the_next_start_is_right(compiled: Compiled, response: int) -> None:
    address = stream_address(compiled)
    # The check reads the address first, the run after it; the third time is another start.
    faults = {"fault_read": f"{address:x}", "fault_read_nth": 2, "fault_resp": response, "latency": 20}
    outcome = run_case(compiled, starts=2, after_error=True, plusargs=faults)
    failed, good = outcome.images
    assert failed.error is Error.BUS_READ
    assert failed.error_address <= address < failed.error_address + 4096
    assert good.error is Error.NONE
    assert_right(compiled, outcome.outputs[1])


def test_write_errors_stop_and_the_next_start_is_right(compiled: Compiled) -> None:
    faults = {"fault_write": output_base(compiled), "fault_write_nth": 1, "latency": 20}
    outcome = run_case(compiled, starts=2, after_error=True, plusargs=faults)
    failed, good = outcome.images
    assert failed.error is Error.BUS_WRITE
    assert f"{failed.error_address:x}" == output_base(compiled)
    assert good.error is Error.NONE
    assert_right(compiled, outcome.outputs[1])


def test_a_silent_memory_ends_in_the_watchdog(compiled: Compiled) -> None:
    (outcome,) = run_case(compiled, plusargs={"stall_ar": 1000}, watchdog=500).images
    assert outcome.error is Error.WATCHDOG


def output_base(compiled: Compiled) -> str:
    """Where ``run_core`` puts the first of two outputs, as a plusarg."""
    page = 4096
    image = -(-len(compiled.image) // page) * page
    return f"{image + 2 * -(-compiled.manifest['input']['bytes'] // page) * page:x}"


def assert_right(compiled: Compiled, block: bytes) -> None:
    network = random_network(SEED)
    expected = run(network, random_image(network, SEED))[network.output]
    assert (compiled.read_output(block)[network.output] == expected).all()


def test_an_image_of_another_core_is_refused(compiled: Compiled) -> None:
    other = compile_network(random_network(SEED), SHAPES["2x2"])
    (outcome,) = run_case(compiled, image=other.image).images
    assert outcome.error is Error.SHAPE
