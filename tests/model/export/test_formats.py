"""The table of formats, contents, and the writing of files."""

import importlib
from pathlib import Path

import numpy as np
import pytest

from pointwise.hw.contract.config import CoreConfig
from pointwise.hw.contract.errors import PointwiseError
from pointwise.model.compiler import compile_network
from pointwise.model.export import FORMATS, c_header, export, named
from pointwise.model.export.contents import image_memory, tensor_memories
from pointwise.model.export.formats import DEFAULT
from pointwise.model.export.memory import Memory

CORE = CoreConfig(rows=4, cols=4, max_tokens=16, act_kib=8, act_banks=2, res_kib=2, axi_data_width=64)


def test_every_format_has_a_module_and_a_suffix_of_its_own():
    for form in FORMATS.values():
        assert importlib.import_module(f"pointwise.model.export.{form.module}").encode
    assert len({form.suffix for form in FORMATS.values()}) == len(FORMATS)
    assert set(DEFAULT) <= set(FORMATS)


def test_formats_are_chosen_by_name():
    assert [form.name for form in named(["raw", "hex", "raw"])] == ["hex", "raw"]
    assert [form.name for form in named(["all"])] == list(FORMATS)
    with pytest.raises(PointwiseError, match="There is no export format 'vhdl'; choose among hex, binary"):
        named(["hex", "vhdl"])
    with pytest.raises(PointwiseError, match="No export format was named; choose among hex, binary"):
        named([])


@pytest.fixture(scope="module")
def image(distilled) -> bytes:
    return compile_network(distilled, CORE).image


def test_the_image_with_its_numbers(distilled, image):
    content = image_memory(image, distilled.name, 64)
    assert content.data == image
    assert content.alignment == 4096
    assert (
        content.constants["input_bytes"] > 0 and content.constants["max_tokens"] == distilled.input.shape[0]
    )


def test_tensors_are_all_integers_of_the_network(distilled):
    memories = {memory.name: memory for memory in tensor_memories(distilled)}
    for op in distilled.ops:
        for field in op.ARRAYS:
            values = getattr(op, field)
            if values is None:
                continue
            memory = memories.pop(f"{op.name}.{field}")
            assert np.array_equal(memory.values, values)
            assert memory.word_bits == {"bias": 32, "mult": 16, "values": 16}.get(field, 8), memory.name
            assert memory.data == np.asarray(values).astype(memory.values.dtype).tobytes()
    assert not memories
    assert {memory.word_bits for memory in tensor_memories(distilled, 64)} == {64}
    with pytest.raises(PointwiseError, match="Words of 0 bits were asked for"):
        list(tensor_memories(distilled, 0))


def test_files_are_written_whole_and_told(distilled, image, tmp_path: Path):
    told = []
    memories = [image_memory(image, distilled.name, 64)]
    paths = export(
        distilled, memories, named(["hex", "raw", "numpy"]), tmp_path / "new" / "folder", told.append
    )
    assert [path.name for path in paths] == ["small.npz", "image.hex", "image.bin"]
    assert told == paths
    assert sorted(path.name for path in (tmp_path / "new" / "folder").iterdir()) == sorted(
        p.name for p in paths
    )
    assert paths[2].read_bytes() == image


def test_a_file_that_cannot_be_written_is_named(distilled, tmp_path: Path):
    (tmp_path / "folder").write_text("a file")
    with pytest.raises(PointwiseError, match=r"folder/small\.npz cannot be written"):
        export(distilled, [], named(["numpy"]), tmp_path / "folder")


@pytest.mark.parametrize("name", [name for name, form in FORMATS.items() if not form.memory])
def test_equal_networks_are_equal_files(name: str, distilled):
    assert FORMATS[name].encode(distilled) == FORMATS[name].encode(distilled)


@pytest.mark.parametrize("count", [1, 16, 17, 40])
def test_a_header_has_every_value_once(count: int):
    values = np.arange(count, dtype=np.int16) - 3
    text = c_header.encode(Memory("x", "numbers", values, 16)).decode()
    listed = text[text.index("= {") + 3 : text.index("};")]
    assert [int(value) for value in listed.split(",") if value.strip()] == values.tolist()
