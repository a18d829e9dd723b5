"""Memory formats, each read back by a reader of its own and compared byte for byte."""

import re
import subprocess
from pathlib import Path

import numpy as np
import pytest

from pointwise.hw.contract.errors import PointwiseError
from pointwise.model.export.formats import FORMATS
from pointwise.model.export.memory import Memory
from pointwise.sim.verilator import find_compiler

BYTES = 333
"""A multiple of no width but the byte: the last word has to be filled."""


def memory(word_bits: int = 32, values: np.ndarray | None = None, **rest: object) -> Memory:
    if values is None:
        values = np.random.default_rng(word_bits).integers(0, 256, BYTES).astype(np.uint8)
    return Memory("blocks.0.x", "Numbers of a test.", values, word_bits, **rest)


def data_of(words: list[int], word_bits: int) -> bytes:
    """Bytes of words, the lowest first."""
    return b"".join(word.to_bytes(word_bits // 8, "little") for word in words)


def read_lines(base: int):
    return lambda text, bits: [int(line, base) for line in text.split("\n")[:-1]]


def read_mem(text: str, bits: int) -> list[int]:
    """Vivado's: words of hexadecimal anywhere, behind an address."""
    address, *words = text.split()
    assert address.startswith("@") and int(address[1:], 16) == 0
    return [int(word, 16) for word in words]


def read_coe(text: str, bits: int) -> list[int]:
    """Xilinx PG058: assignments that end in a semicolon."""
    fields = {}
    for assignment in text.split(";")[:-1]:
        key, value = assignment.split("=")
        fields[key.strip()] = value.split()
    (radix,) = fields["memory_initialization_radix"]
    words = "".join(fields["memory_initialization_vector"]).split(",")
    return [int(word, int(radix)) for word in words]


def read_mif(text: str, bits: int) -> list[int]:
    """Quartus: assignments, then an address and a value each, in any order."""
    head, _, body = text.partition("CONTENT\nBEGIN\n")
    fields = dict(re.findall(r"(\w+) = (\w+);\n", head))
    assert (fields["ADDRESS_RADIX"], fields["DATA_RADIX"], int(fields["WIDTH"])) == ("HEX", "HEX", bits)
    lines = re.findall(r"^([0-9a-f]+) : ([0-9a-f]+);$", body, re.MULTILINE)
    assert body.endswith(";\nEND;\n") and len(lines) == body.count("\n") - 1
    words = {int(address, 16): int(value, 16) for address, value in lines}
    return [words[address] for address in range(int(fields["DEPTH"]))]


READERS = {"hex": read_lines(16), "binary": read_lines(2), "mem": read_mem, "coe": read_coe, "mif": read_mif}


@pytest.mark.parametrize("word_bits", [8, 24, 128])
@pytest.mark.parametrize("name", READERS)
def test_text_reads_back(name: str, word_bits: int):
    content = memory(word_bits)
    words = READERS[name](FORMATS[name].encode(content).decode("ascii"), word_bits)
    count = -(-BYTES * 8 // word_bits)
    assert len(words) == count
    assert data_of(words, word_bits) == content.data.ljust(count * word_bits // 8, b"\0")


def test_elements_are_little_endian_and_row_by_row():
    content = memory(16, np.array([[-2, 3], [260, -32768]], np.int16))
    assert FORMATS["raw"].encode(content) == bytes([254, 255, 3, 0, 4, 1, 0, 128])
    assert FORMATS["hex"].encode(content) == b"fffe\n0003\n0104\n8000\n"
    assert FORMATS["binary"].encode(memory(8, np.array([5, -1], np.int8))) == b"00000101\n11111111\n"
    # Values in the byte order of another machine are the same values.
    swapped = memory(16, np.array([[-2, 3], [260, -32768]], ">i2"))
    assert FORMATS["raw"].encode(swapped) == FORMATS["raw"].encode(content)


def test_raw_is_not_filled():
    assert FORMATS["raw"].encode(memory(128)) == memory(128).data


@pytest.mark.parametrize("word_bits", [0, 4, 12, 4104, -8])
def test_other_words_are_refused(word_bits: int):
    with pytest.raises(PointwiseError, match=f"Words of {word_bits} bits were asked for, .* 8 to 4096 bits"):
        Memory("x", "", np.zeros(3, np.uint8), word_bits)


EDGES = [
    np.arange(256, dtype=np.uint8).reshape(16, 16),
    np.arange(-128, 128).astype(np.int8),
    np.array([-(2**31), 2**31 - 1, -1], np.int32),
    np.array([0, 65535], np.uint16),
]
PROGRAM = """
#include <stdio.h>
#include "content.h"
int main(void) {
  fprintf(stderr, "%d %d %d", POINTWISE_BLOCKS_0_X_COUNT, POINTWISE_BLOCKS_0_X_INPUT_BYTES,
          (int)((uintptr_t)pointwise_blocks_0_x % 4096));
  fwrite(pointwise_blocks_0_x, sizeof pointwise_blocks_0_x, 1, stdout);
  return 0;
}
"""


@pytest.mark.parametrize("language", ["c", "c++"])
@pytest.mark.parametrize("values", EDGES, ids=lambda values: values.dtype.name)
def test_compilers_read_the_header(values: np.ndarray, language: str, tmp_path: Path):
    content = memory(8, values, alignment=4096, constants={"input_bytes": 77})
    (tmp_path / "content.h").write_bytes(FORMATS["c"].encode(content))
    (tmp_path / "main.c").write_text(PROGRAM)
    standard = "-std=c11" if language == "c" else "-std=c++17"
    strict = ["-Wall", "-Wextra", "-Wpedantic", "-Werror", standard]
    compiler = find_compiler().split()
    subprocess.run([*compiler, "-x", language, *strict, "main.c", "-o", "main"], cwd=tmp_path, check=True)
    done = subprocess.run([tmp_path / "main"], capture_output=True, check=True)
    assert done.stdout == values.tobytes()
    assert done.stderr == f"{values.size} 77 0".encode()
