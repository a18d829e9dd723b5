"""Files that the board commands read: right ones are read, damaged ones told with their names."""

import json
from dataclasses import replace

import pytest

pytest.importorskip("litex", reason="needs LiteX; run make fpga")

from pointwise.hw.contract.config import PRESETS
from pointwise.hw.contract.errors import PointwiseError
from pointwise.model.compiler import compile_network, write
from pointwise.model.compiler.random_network import random_network
from pointwise.model.graph.ops import Linear
from pointwise.sim.board.description import Description
from pointwise.sim.board.session import read_inputs, read_program
from tests.sim.board.example import DESCRIPTION

CONFIG = PRESETS["tiny"]


@pytest.fixture
def description():
    """What ``board.json`` holds."""
    return {**vars(DESCRIPTION), "core": json.loads(DESCRIPTION.core.to_json())}


@pytest.fixture
def program(tmp_path):
    """A folder as pointwise compile writes it."""
    write(compile_network(random_network(3), CONFIG), tmp_path)
    return tmp_path


def test_a_description_is_read(tmp_path, description):
    with pytest.raises(PointwiseError, match="cannot be read"):
        Description.read(tmp_path)
    (tmp_path / "board.json").write_text(json.dumps(description))
    assert Description.read(tmp_path) == DESCRIPTION


@pytest.mark.parametrize(
    "change",
    [
        *({name: value} for name in ("baud", "clock_hz", "sdram_bytes") for value in (0, -1, 1.5, "1", True)),
        *({name: value} for name in ("scratch", "sdram_base", "core_base") for value in (None, -4, 1 << 32)),
        {"core": {"rowz": 3}},
        {"core": 3},
        {"core": []},
        {"sdram_init": None},
        {"sdram_init": []},
        {"sdram_init": [1]},
        {"sdram_init": [{"address": 4, "value": 1}]},
        {"sdram_init": [{"address": 4, "value": -1, "wait_us": 0}]},
    ],
    ids=str,
)
def test_a_damaged_description_is_told(tmp_path, description, change):
    file = tmp_path / "board.json"
    file.write_text(json.dumps(description | change))
    with pytest.raises(PointwiseError, match=rf"^{file} does not describe a board \(.*pointwise bitstream$"):
        Description.read(tmp_path)


@pytest.mark.parametrize("text", ["{}", "[]", "3", "null", "{"])
def test_what_is_no_description_is_told(tmp_path, text):
    (tmp_path / "board.json").write_text(text)
    with pytest.raises(PointwiseError, match="does not describe a board"):
        Description.read(tmp_path)


def test_a_program_is_read(program):
    files = read_program(program, CONFIG)
    manifest = json.loads((program / "manifest.json").read_text())
    assert files.input_bytes == manifest["input"]["bytes"]
    assert files.output_bytes == manifest["output"]["bytes"]


@pytest.mark.parametrize(
    "change",
    [
        {"input": None},
        {"input": {}},
        {"output": {}},
        {"output": {"bytes": 64}},
        {"input": {"bytes": "64"}},
        {"input": {"bytes": -64}},
        {"config": {"rowz": 3}},
        {"config": None},
    ],
    ids=str,
)
def test_a_damaged_manifest_is_told(program, change):
    file = program / "manifest.json"
    manifest = json.loads(file.read_text())
    for key, value in change.items():
        if value is None:
            del manifest[key]
        else:
            manifest[key] = value
    file.write_text(json.dumps(manifest))
    with pytest.raises(PointwiseError, match=rf"^{file} is damaged \(.*; compile the network again$"):
        read_program(program, CONFIG)


def test_a_manifest_without_the_tensors_of_its_output_is_told(program):
    file = program / "manifest.json"
    manifest = json.loads(file.read_text())
    del manifest["output"]["tensors"]
    file.write_text(json.dumps(manifest))
    with pytest.raises(PointwiseError, match=f"{file} is damaged"):
        read_program(program, CONFIG)


def test_a_manifest_of_another_image_of_the_same_size_is_told(program, tmp_path):
    """The same network with one weight changed: every size is the same."""
    network = random_network(3)
    embed = next(op for op in network.ops if isinstance(op, Linear))
    weight = embed.weight.copy()
    weight[0, 0] ^= 1
    changed = network.changed({embed.name: replace(embed, weight=weight)})
    write(compile_network(changed, CONFIG), tmp_path / "other")
    image, other = ((folder / "image.bin").read_bytes() for folder in (program, tmp_path / "other"))
    assert len(image) == len(other)
    (program / "image.bin").write_bytes(other)
    with pytest.raises(PointwiseError, match=r"json is damaged \(it says image\.crc32 \d+, but the image"):
        read_program(program, CONFIG)


def test_damage_is_told_without_python(program):
    file = program / "manifest.json"
    whole = json.loads(file.read_text())
    for change, words in (
        ({"format": 2}, "says format 2, but 1 was expected"),
        ({"config": None}, "says config null, but an object was expected"),
        ({"input": 3}, "says input 3, but an object was expected"),
        ({"input": whole["input"] | {"bytes": None}}, "says input.bytes null, but a whole number was"),
        ({"output": {"bytes": 64}}, "lacks output.tensors"),
        ({"image": whole["image"] | {"bytes": 64}}, "says image.bytes 64, but the image beside it has"),
    ):
        file.write_text(json.dumps(whole | change))
        with pytest.raises(PointwiseError) as caught:
            read_program(program, CONFIG)
        assert f"(it {words}" in str(caught.value)


def test_a_damaged_image_is_told(program):
    file = program / "image.bin"
    whole = file.read_bytes()
    for damaged in (b"", whole[:-64], whole[:100] + bytes([whole[100] ^ 1]) + whole[101:]):
        file.write_bytes(damaged)
        with pytest.raises(PointwiseError, match=f"^{file}: the image"):
            read_program(program, CONFIG)


def test_a_network_for_another_core_is_refused(program, tmp_path):
    with pytest.raises(PointwiseError, match="another core"):
        read_program(program, PRESETS["ecp5"])
    with pytest.raises(PointwiseError, match="cannot be read"):
        read_program(tmp_path / "nothing", CONFIG)
    files = read_program(program, CONFIG)
    (tmp_path / "short.bin").write_bytes(b"1")
    with pytest.raises(PointwiseError, match="has 1 bytes"):
        list(read_inputs(files, [tmp_path / "short.bin"]))
