"""Images, manifests and files."""

import json
import zlib

import pytest

from pointwise.hw.contract.config import CoreConfig
from pointwise.hw.contract.decoding import decode
from pointwise.hw.contract.errors import PointwiseError
from pointwise.hw.contract.image import ALIGNMENT, TRAILER_BYTES, check
from pointwise.hw.contract.isa import INSTRUCTION_BYTES, Conv, Dma, End
from pointwise.hw.contract.stream import stream_bytes
from pointwise.model.compiler import compile_network, memory_map, pack_input, read_output, write
from pointwise.model.compiler.image import to_hex
from pointwise.model.compiler.memory_map import (
    CHIP_COLUMNS,
    DRAM_COLUMNS,
    OVERVIEW_COLUMNS,
    chip_rows,
    dram_rows,
    overview_rows,
)
from pointwise.model.compiler.random_network import random_image, random_network
from pointwise.model.compiler.shapes import Shape, random_config
from pointwise.model.engine import fuse


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("trace", [False, True])
def test_the_image_holds_what_the_program_points_at(seed: int, trace: bool):
    config = random_config(seed)
    compiled = compile_network(random_network(seed), config, trace)
    header = check(compiled.image, config)
    for index, line in enumerate(compiled.program):
        first = header.program_offset + index * INSTRUCTION_BYTES
        instruction = decode(compiled.image[first : first + INSTRUCTION_BYTES])
        assert instruction == line.instruction
        if isinstance(instruction, Conv):
            assert instruction.stream_offset % ALIGNMENT == 0
            assert instruction.stream_beats * config.bus_bytes == stream_bytes(instruction, config)
        if isinstance(instruction, Dma):
            assert instruction.dram_offset % ALIGNMENT == instruction.dram_stride % ALIGNMENT == 0
    assert isinstance(compiled.program[-1].instruction, End)
    assert sum(isinstance(line.instruction, End) for line in compiled.program) == 1
    # The map covers the image without a gap.
    end = 0
    for entry in compiled.manifest["dram"]:
        assert entry["offset"] == end
        end += -(-entry["bytes"] // ALIGNMENT) * ALIGNMENT
    assert end == len(compiled.image)


def test_the_same_network_gives_the_same_bytes():
    config = random_config(5)
    first, second = (compile_network(random_network(5), config) for _ in range(2))
    assert first.image == second.image and first.manifest == second.manifest


def test_streams_are_shared_by_slices_of_a_layer():
    config = CoreConfig(rows=2, cols=2, act_kib=2, act_banks=1, max_tokens=64)
    shape = Shape(tokens=40, inputs=8, dim=8, depth=1, heads=1, head_dim=4, hidden=80, classes=3)
    compiled = compile_network(random_network(0, shape), config)
    lines = [line.instruction for line in compiled.program if line.name == "blocks.0.fc1"]
    assert len(lines) > 1
    assert len({conv.stream_offset for conv in lines}) == 1
    assert sum(conv.tokens for conv in lines) == 40
    made = sum(entry.get("macs", 0) for entry in compiled.manifest["instructions"])
    assert made == compiled.manifest["macs"]


def test_files_are_complete_and_read_back(tmp_path):
    network, config = random_network(2), random_config(2)
    compiled = compile_network(network, config, trace=True)
    paths = write(compiled, tmp_path / "out")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == sorted(paths)
    assert paths["image.bin"].read_bytes() == compiled.image
    assert CoreConfig.from_json(paths["config.json"]) == config
    manifest = json.loads(paths["manifest.json"].read_text())
    assert manifest == compiled.manifest
    assert manifest["image"]["crc32"] == zlib.crc32(compiled.image[:-TRAILER_BYTES])
    image = random_image(network, 0)
    assert pack_input(manifest, image) == compiled.pack_input(image)
    beats = paths["image.hex"].read_text().split()
    assert b"".join(bytes.fromhex(beat)[::-1] for beat in beats) == compiled.image
    assert {len(beat) for beat in beats} == {2 * config.bus_bytes}


def test_hex_has_the_highest_byte_first():
    assert to_hex(bytes(range(1, 9)), CoreConfig(axi_data_width=32)) == b"04030201\n08070605\n"


def test_a_file_that_cannot_be_written_is_named(tmp_path):
    compiled = compile_network(random_network(2), random_config(2))
    (tmp_path / "file").write_text("")
    with pytest.raises(PointwiseError, match="cannot be written"):
        write(compiled, tmp_path / "file" / "below")


def test_inputs_of_another_shape_or_range_are_refused():
    network, config = random_network(2), random_config(2)
    compiled = compile_network(network, config)
    image = random_image(network, 0)
    with pytest.raises(PointwiseError, match="has shape"):
        compiled.pack_input(image[1:])
    with pytest.raises(PointwiseError, match="integers from -128 to 127"):
        compiled.pack_input(image.astype(int) + 128)
    with pytest.raises(PointwiseError, match="integers from -128 to 127"):
        compiled.pack_input(image / 2)
    with pytest.raises(PointwiseError, match="room for class tokens, and must be zero"):
        compiled.pack_input(image | 1)
    with pytest.raises(PointwiseError, match="read them all"):
        compiled.read_output(b"")


def test_traced_results_have_their_names_shapes_and_types():
    network, config = random_network(7), random_config(7)
    compiled = compile_network(network, config, trace=True)
    arrays = read_output(compiled.manifest, bytes(compiled.manifest["output"]["bytes"]))
    ops = fuse(network)
    assert list(arrays) == list(dict.fromkeys([network.output, *(op.name for op in ops)]))
    assert all(arrays[op.name].dtype == op.dtype for op in ops)


def test_memory_map_rows():
    compiled = compile_network(random_network(2), random_config(2))
    manifest = compiled.manifest
    for rows, columns in (
        (overview_rows(manifest), OVERVIEW_COLUMNS),
        (dram_rows(manifest), DRAM_COLUMNS),
        (chip_rows(manifest), CHIP_COLUMNS),
    ):
        assert rows and all(len(row) == len(columns) for row in rows)
    assert len(chip_rows(manifest)) == len(manifest["tensors"])
    assert [table.row_count for table in memory_map(manifest)] == [
        5,
        len(manifest["tensors"]),
        len(manifest["dram"]),
    ]


def test_zeros_in_front_are_no_bytes_and_nothing_that_is_loaded():
    """Rows of class tokens: the input block begins behind them, and the convolution pads."""
    network, config = random_network(2), random_config(2)
    compiled, zeros = compile_network(network, config), network.input.zero_rows
    blocks = compiled.manifest["input"]["blocks"]
    assert zeros and blocks[0]["first_token"] == zeros
    assert sum(block["tokens"] for block in blocks) == network.input.shape[0] - zeros
    instructions = [line.instruction for line in compiled.program]
    load = next(found for found in instructions if isinstance(found, Dma))
    conv = next(found for found in instructions if isinstance(found, Conv))
    assert load.words == blocks[0]["tokens"]
    assert conv.padded and conv.in_width == blocks[0]["tokens"]
